import type { BatchJob } from './batch-job.js';
import type { BatchEntry, BatchState } from './entry.js';
import type { BatchInput } from './find-inputs.js';

/** Shows how far a batch is, on stderr. */
export interface BatchProgress<Clip> {
  begin: (input: BatchInput) => InputProgress<Clip>;
  close: () => void;
}

/** That of one input. */
export interface InputProgress<Clip> {
  step: (step: string, fraction: number) => void;
  end: (entry: BatchEntry<Clip>) => void;
}

const MARKS: Readonly<Record<BatchState, string>> = { done: '✓', skipped: '·', refused: '✗', failed: '✗' };

/**
 * On a terminal the last line tells the file that went on last, its step, how many others are at work and the time left;
 * above it, and in a log alone, each file leaves one line.
 */
export function showBatchProgress<Clip>(
  job: Pick<BatchJob<Clip>, 'durationS' | 'headline'>,
  { inputs, parallel }: { inputs: readonly BatchInput[]; parallel: number },
  wanted: boolean,
  out: NodeJS.WriteStream = process.stderr,
): BatchProgress<Clip> {
  const nothing = () => undefined;
  if (!wanted) return { begin: () => ({ step: nothing, end: nothing }), close: nothing };
  const estimate = timeLeft(inputs);
  const width = String(inputs.length).length;
  let count = 0;
  /** When each input that is at work was begun. */
  const begunMs = new Map<BatchInput, number>();
  let drawn = false;
  const clear = () => {
    if (drawn) out.write('\r\x1b[2K');
    drawn = false;
  };
  const draw = (input: BatchInput, number: string, step: string, fraction: number) => {
    if (!out.isTTY) return;
    clear();
    const nowMs = performance.now();
    const spentS = [...begunMs.values()].reduce((sum, atMs) => sum + (nowMs - atMs) / 1000, 0);
    const leftS = estimate.leftS(spentS);
    const left = leftS === undefined ? '' : ` · ${durationInWords(leftS / parallel)} left`;
    const others = begunMs.size > 1 ? ` · ${begunMs.size - 1} more at work` : '';
    const line = `  ${number} ${shown(input.name)} · ${step} ${Math.round(fraction * 100)} %${others}${left}`;
    out.write(line.slice(0, out.columns - 1));
    drawn = true;
  };
  return {
    begin(input) {
      const number = `${String(++count).padStart(width)}/${inputs.length}`;
      begunMs.set(input, performance.now());
      draw(input, number, 'look', 0);
      return {
        step: (step, fraction) => draw(input, number, step, fraction),
        end(entry) {
          clear();
          begunMs.delete(input);
          estimate.ended(entry);
          const { state, reason, tookS, clip } = entry;
          const told =
            state === 'done' && clip !== undefined ? doneInWords(job.durationS(clip), tookS) : (reason ?? '');
          const headline = clip === undefined ? undefined : job.headline?.(clip);
          const words = [...(headline === undefined ? [] : [headline]), ...(told === '' ? [] : [told])].join(' · ');
          out.write(`${MARKS[state]} ${number} ${shown(input.name)}  ${shown(words)}\n`);
        },
      };
    },
    close: clear,
  };
}

/** Seconds as people say them: `90 s`, `3 min`, `1 h 20 min`. */
export function durationInWords(seconds: number): string {
  if (seconds <= 99) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A name or a sentence on one line, whatever it holds: no character of it can move the cursor. */
export function shown(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '�');
}

function doneInWords(durationS: number, tookS: number): string {
  return `${tookS.toFixed(1)} s (${(tookS / durationS).toFixed(2)} × real time)`;
}

/**
 * Guesses the time left: videos by their bytes, images by their number, at the pace of those that were made; a kind of
 * which none was made yet at the mean of the other. Undefined until one was made.
 */
export function timeLeft(inputs: readonly BatchInput[]): {
  ended: (entry: BatchEntry<unknown>) => void;
  /** All that is left, one after the other. spentS: what those that are at work took so far. */
  leftS: (spentS?: number) => number | undefined;
} {
  const weight = ({ kind, bytes }: BatchInput) => (kind === 'video' ? Math.max(1, bytes) : 1);
  const zero = () => ({ count: 0, weight: 0, tookS: 0 });
  const left = { video: zero(), image: zero() };
  const made = { video: zero(), image: zero() };
  for (const input of inputs) {
    left[input.kind].count++;
    left[input.kind].weight += weight(input);
  }
  return {
    ended({ input, state, tookS }) {
      left[input.kind].count--;
      left[input.kind].weight -= weight(input);
      if (state !== 'done') return;
      const own = made[input.kind];
      Object.assign(own, { count: own.count + 1, weight: own.weight + weight(input), tookS: own.tookS + tookS });
    },
    leftS(spentS = 0) {
      const count = made.video.count + made.image.count;
      if (count === 0) return undefined;
      const meanS = (made.video.tookS + made.image.tookS) / count;
      const [videosS, imagesS] = (['video', 'image'] as const).map((kind) =>
        made[kind].count > 0 ? (left[kind].weight / made[kind].weight) * made[kind].tookS : left[kind].count * meanS,
      );
      return Math.max(0, videosS! + imagesS! - spentS);
    },
  };
}
