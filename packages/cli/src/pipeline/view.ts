import { durationInWords, shown } from '../batch/batch-progress.js';
import type { PipelineView } from './run.js';
import type { StepProgress, StepReport } from './step.js';

const BAR = 20;
const REDRAW_MS = 100;
/** In a log, a long step tells how far it is so often. */
const TELL_EVERY_MS = 30_000;

const MARKS: Readonly<Record<StepReport['state'], string>> = { done: '✓', cached: '·', failed: '✗', not_reached: ' ' };

/** On a terminal the last line moves; above it, and in a log alone, each step leaves one line. */
export function showPipeline(wanted: boolean, out: NodeJS.WriteStream = process.stderr): PipelineView {
  const nothing = () => undefined;
  if (!wanted) return { begin: nothing, progress: nothing, end: nothing, close: nothing };
  let title = '';
  let begunMs = 0;
  let first: StepProgress | undefined;
  let toldMs = 0;
  let drawnMs = 0;
  let drawn = false;
  const clear = () => {
    if (drawn) out.write('\r\x1b[2K');
    drawn = false;
  };
  return {
    begin(next) {
      title = next;
      begunMs = toldMs = performance.now();
      first = undefined;
    },
    progress(now) {
      first ??= now;
      const atMs = performance.now();
      const words = `${title}: ${progressInWords(now, first, (atMs - begunMs) / 1000)}`;
      if (!out.isTTY) {
        if (atMs - toldMs < TELL_EVERY_MS) return;
        toldMs = atMs;
        out.write(`  ${shown(words)}\n`);
      } else if (atMs - drawnMs >= REDRAW_MS) {
        drawnMs = atMs;
        clear();
        out.write(`  ${bar(now)} ${shown(words)}`.slice(0, out.columns - 1));
        drawn = true;
      }
    },
    end(report) {
      clear();
      out.write(`  ${MARKS[report.state]} ${shown(stepInWords(report))}\n`);
    },
    close: clear,
  };
}

function bar({ done, total }: StepProgress): string {
  const filled = total > 0 ? Math.min(BAR, Math.round((done / total) * BAR)) : 0;
  return '█'.repeat(filled) + '░'.repeat(BAR - filled);
}

/** `34 of 61, 1 refused, 2.3 a second, 12 s left`. */
export function progressInWords(now: StepProgress, first: StepProgress, spentS: number): string {
  const { done, total, refused, message } = now;
  const pace = (done - first.done) / Math.max(spentS, 1e-3);
  const parts = [
    total > 1 ? `${Math.floor(done)} of ${total}` : total === 1 ? `${Math.round(100 * done)} %` : '',
    refused > 0 ? `${refused} refused` : '',
    total > 1 && pace > 0 && spentS > 1
      ? pace >= 1
        ? `${pace.toFixed(1)} a second`
        : `${(pace * 60).toFixed(1)} a minute`
      : '',
    pace > 0 && spentS > 2 && done < total ? `${durationInWords((total - done) / pace)} left` : '',
    message ?? '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** `preprocess 61 cuts: 58 done, 3 refused (12.3 s)`. */
export function stepInWords({ title, state, done, cached, refused, seconds }: StepReport): string {
  if (state === 'failed') return `${title}: failed`;
  if (state === 'not_reached') return title;
  if (state === 'cached') return `${title}: ${done} done before${refusedWords(refused.length)}`;
  const before = cached > 0 ? `, ${cached} of them before` : '';
  return `${title}: ${done} done${before}${refusedWords(refused.length)} (${seconds.toFixed(1)} s)`;
}

const refusedWords = (count: number) => (count > 0 ? `, ${count} refused` : '');
