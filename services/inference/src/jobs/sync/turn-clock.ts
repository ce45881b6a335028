/** Tells how far the steps of a job are, and measures how long each takes, also where they take turns. */
export interface TurnClock<Step extends string> {
  /** What passed since the last report belongs to this step. fraction: of the step, 0 to 1. */
  report(step: Step, fraction: number, message: string): void;
  /** Seconds by step; a step that was not needed has 0, and counts as done. */
  finish(): Record<`${Step}_s`, number>;
}

/** steps: all of them, in their order. */
export function turnClock<Step extends string>(
  steps: readonly Step[],
  onProgress?: (step: Step, fraction: number, message: string) => void,
): TurnClock<Step> {
  const timings = Object.fromEntries(steps.map((name) => [`${name}_s`, 0])) as Record<`${Step}_s`, number>;
  const last = new Map<Step, { fraction: number; message: string }>();
  let beforeMs = performance.now();
  const tell = (step: Step, fraction: number, message: string): void => {
    const furthest = Math.max(last.get(step)?.fraction ?? 0, Math.min(1, fraction));
    last.set(step, { fraction: furthest, message });
    onProgress?.(step, furthest, message);
  };
  return {
    report(step, fraction, message) {
      const nowMs = performance.now();
      timings[`${step}_s`] += (nowMs - beforeMs) / 1000;
      beforeMs = nowMs;
      tell(step, fraction, message);
    },
    finish() {
      for (const step of steps) if (last.get(step)?.fraction !== 1) tell(step, 1, last.get(step)?.message ?? '');
      return timings;
    },
  };
}
