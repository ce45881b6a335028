/** Tells how far the steps of a job are, and measures how long each takes. */
export interface StepClock<Step extends string> {
  /** Ends the step before and begins the next. */
  start(step: Step, message: string): void;
  progress(fraction: number): void;
  /** Seconds by step; a step that was not needed has 0, and counts as done. */
  finish(): Record<`${Step}_s`, number>;
}

/** steps: all of them, in their order; each is told from 0 to 1, whether it is needed or not. */
export function stepClock<Step extends string>(
  steps: readonly Step[],
  onProgress?: (step: Step, fraction: number, message: string) => void,
): StepClock<Step> {
  const timings = Object.fromEntries(steps.map((name) => [`${name}_s`, 0])) as Record<`${Step}_s`, number>;
  let current = -1;
  let message = '';
  let startMs = 0;
  const goTo = (index: number, words: string): void => {
    while (current < index) {
      if (current >= 0) {
        timings[`${steps[current]!}_s`] = (performance.now() - startMs) / 1000;
        onProgress?.(steps[current]!, 1, message);
      }
      current++;
      [message, startMs] = [words, performance.now()];
      if (current < steps.length) onProgress?.(steps[current]!, 0, message);
    }
  };
  return {
    start: (step, words) => goTo(steps.indexOf(step), words),
    progress: (fraction) => onProgress?.(steps[current]!, Math.max(0, Math.min(1, fraction)), message),
    finish() {
      goTo(steps.length, '');
      return timings;
    },
  };
}
