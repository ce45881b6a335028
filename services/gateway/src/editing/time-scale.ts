/** How a film lies on the screen: all lengths in CSS pixels. */
export interface TimeScale {
  durationS: number;
  /** Width of what is seen. */
  viewPx: number;
  pxPerS: number;
  /** What is scrolled off at the left. */
  scrollPx: number;
}

/** A millisecond is two pixels wide. */
const MOST_PX_PER_S = 2000;
/** Browsers lay out no wider elements. */
const MOST_CONTENT_PX = 16_000_000;

/** The whole film in view. */
export function fitted(durationS: number, viewPx: number): TimeScale {
  return { durationS, viewPx, pxPerS: fitPxPerS(durationS, viewPx), scrollPx: 0 };
}

export function isFitted({ durationS, viewPx, pxPerS }: TimeScale): boolean {
  return pxPerS <= fitPxPerS(durationS, viewPx) * 1.0001;
}

export function contentPx({ durationS, pxPerS }: TimeScale): number {
  return durationS * pxPerS;
}

export function toX({ pxPerS }: TimeScale, timeS: number): number {
  return timeS * pxPerS;
}

export function toTimeS({ pxPerS, durationS }: TimeScale, x: number): number {
  return Math.min(Math.max(x / pxPerS, 0), durationS);
}

/** Nearer or farther; what lies under `viewX` stays there. */
export function zoomed(scale: TimeScale, factor: number, viewX = scale.viewPx / 2): TimeScale {
  const least = fitPxPerS(scale.durationS, scale.viewPx);
  const most = Math.max(least, Math.min(MOST_PX_PER_S, MOST_CONTENT_PX / Math.max(scale.durationS, 1e-3)));
  const pxPerS = Math.min(Math.max(scale.pxPerS * factor, least), most);
  const timeS = (scale.scrollPx + viewX) / scale.pxPerS;
  return scrolled({ ...scale, pxPerS }, timeS * pxPerS - viewX);
}

/** Keeps inside of the film. */
export function scrolled(scale: TimeScale, scrollPx: number): TimeScale {
  return { ...scale, scrollPx: Math.min(Math.max(scrollPx, 0), Math.max(0, contentPx(scale) - scale.viewPx)) };
}

/** Another window width: a fitted film stays fitted, else what is at the left stays there. */
export function resized(scale: TimeScale, viewPx: number): TimeScale {
  const fit = fitPxPerS(scale.durationS, viewPx);
  if (isFitted(scale) || scale.pxPerS < fit) return fitted(scale.durationS, viewPx);
  return scrolled({ ...scale, viewPx }, scale.scrollPx);
}

/** Scrolls so that a moment is seen, with some of what comes after it; the same scale where it is seen already. */
export function showing(scale: TimeScale, timeS: number, marginPx = 24): TimeScale {
  const x = toX(scale, timeS) - scale.scrollPx;
  if (x >= Math.min(marginPx, scale.scrollPx) && x <= scale.viewPx - marginPx) return scale;
  const moved = scrolled(scale, toX(scale, timeS) - scale.viewPx * 0.25);
  return moved.scrollPx === scale.scrollPx ? scale : moved;
}

/** What is seen, and a little more at both sides. */
export function visibleS(scale: TimeScale, marginPx = 100): { fromS: number; toS: number } {
  return {
    fromS: Math.max(0, (scale.scrollPx - marginPx) / scale.pxPerS),
    toS: Math.min(scale.durationS, (scale.scrollPx + scale.viewPx + marginPx) / scale.pxPerS),
  };
}

const STEPS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** Where the ruler has its marks in what is seen, at least `leastPx` apart. */
export function rulerMarks(scale: TimeScale, leastPx = 72): { timeS: number; label: string }[] {
  const step = STEPS_S.find((each) => each * scale.pxPerS >= leastPx) ?? STEPS_S.at(-1)!;
  const { fromS, toS } = visibleS(scale);
  const first = Math.ceil(fromS / step);
  const count = Math.max(0, Math.floor(toS / step + 1e-9) - first + 1);
  return Array.from({ length: count }, (_, i) => {
    const timeS = (first + i) * step;
    return { timeS, label: markLabel(timeS, step) };
  });
}

function markLabel(timeS: number, step: number): string {
  const digits = step >= 1 ? 0 : step >= 0.1 ? (step === 0.25 ? 2 : 1) : step >= 0.01 ? 2 : 3;
  if (timeS < 60) return `${timeS.toFixed(digits)}s`;
  const minutes = Math.floor(timeS / 60 + 1e-9);
  const seconds = Math.max(0, timeS - minutes * 60).toFixed(digits);
  return step >= 60 ? `${minutes}m` : `${minutes}:${seconds.padStart(digits > 0 ? digits + 3 : 2, '0')}`;
}

function fitPxPerS(durationS: number, viewPx: number): number {
  return viewPx / Math.max(durationS, 1e-3);
}
