import type { Job } from '@soundstage/contracts';

/** How an item should end. `either`: what befell it may have used up its attempts. */
export type Expected = 'result' | 'refusal' | 'either';

/** One thing that somebody asked for, with all jobs that came of it. */
export interface Item {
  requestId: string;
  expected: Expected;
  /** In the order in which they were started; each starts the next. */
  jobs: string[];
  /** Each job as it was when it was first seen ended. */
  ends: Map<string, Job>;
  submittedMs: number;
  endedMs: number | undefined;
}
