import type { SyncMade } from '@soundstage/inference';
import type { SyncMeasurement } from '@soundstage/sync';
import { answerJson, type Answer } from '../json.js';

/** What a batch keeps of one film. Paths are relative to the folder of the report, with `/` between the parts. */
export interface FilmView {
  durationS: number;
  before: Answer;
  after?: Answer;
  repaired: boolean;
  whatWasDone: string;
  output?: string;
  report?: string;
  warnings: string[];
  tookS: number;
  /** How well lips and sound agree, from the earliest offset that was tried to the latest, in hundredths. */
  curve: number[];
}

const COLUMNS = 120;

/** @param files those of the paths below the target that were written */
export function filmView(
  made: SyncMade,
  { files, tookS }: { files: { output: string | undefined; report: string | undefined }; tookS: number },
): FilmView {
  const { durationS, before, after, repaired, whatWasDone, warnings } = made;
  return {
    durationS,
    before: answerOf(before),
    ...(after && { after: answerOf(after) }),
    repaired,
    whatWasDone,
    ...(files.output !== undefined && { output: files.output }),
    ...(files.report !== undefined && { report: files.report }),
    warnings: [...warnings],
    tookS,
    curve: thinned(before.evidence.curve),
  };
}

/** The form that a film has in a line of JSON, as syncJson(). */
export function filmJson(film: FilmView, addressOf: (file: string) => string): Record<string, unknown> {
  const { before, after, repaired, whatWasDone, output, report, durationS, warnings } = film;
  return {
    ...answerJson(before),
    after: after === undefined ? null : answerJson(after),
    repaired,
    what_was_done: whatWasDone,
    output: output === undefined ? null : addressOf(output),
    report: report === undefined ? null : addressOf(report),
    duration_s: Math.round(durationS * 1000) / 1000,
    warnings,
  };
}

function answerOf({ verdict, reason, detail, offsetMs, confidence, segments }: SyncMeasurement): Answer {
  return {
    verdict,
    ...(reason !== undefined && { reason }),
    detail,
    ...(offsetMs !== undefined && { offsetMs }),
    confidence,
    segments: [...segments],
  };
}

/** At most so many points: each is the best of its stretch. */
function thinned(curve: readonly number[]): number[] {
  const length = Math.min(COLUMNS, curve.length);
  return Array.from({ length }, (_, column) => {
    const [from, to] = [column, column + 1].map((edge) => Math.floor((edge * curve.length) / length));
    return Math.round(100 * Math.max(...curve.slice(from, to)));
  });
}
