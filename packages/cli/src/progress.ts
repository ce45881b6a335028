/** Shows how far the steps of a job are, on stderr. */
export interface ProgressDisplay {
  report: (step: string, fraction: number, message?: string) => void;
  end: () => void;
}

const BAR = 24;

/**
 * On a terminal one line is rewritten; elsewhere (a log) each step is one line when it is done. Nothing is shown when
 * it isn't wanted.
 */
export function showProgress(wanted: boolean, out: NodeJS.WriteStream = process.stderr): ProgressDisplay {
  if (!wanted) return { report: () => undefined, end: () => undefined };
  const started = performance.now();
  const done = new Set<string>();
  let drawn = false;
  const clear = () => {
    if (drawn) out.write('\r\x1b[2K');
    drawn = false;
  };
  return {
    report(step, fraction, message) {
      if (message === '') return; // a step that has nothing to do in this run
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (fraction >= 1 && !done.has(step)) {
        done.add(step);
        clear();
        out.write(`  ✓ ${step.padEnd(8)} ${message ?? ''} (${seconds} s)\n`);
      } else if (out.isTTY && !done.has(step)) {
        clear();
        const filled = Math.round(fraction * BAR);
        out.write(
          `  ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${step} ${message ?? ''}`.slice(0, out.columns - 1),
        );
        drawn = true;
      }
    },
    end: clear,
  };
}
