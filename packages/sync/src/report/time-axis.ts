import { html, type Html } from '@soundstage/html';

const STEPS_S = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const MOST_MARKS = 8;

/** `0:07.50`, `1:02:03`; whole seconds from an hour on. */
export function clock(timeS: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const hundredths = Math.round(Math.max(0, timeS) * 100);
  const [hours, minutes, rest] = [
    Math.floor(hundredths / 360_000),
    Math.floor(hundredths / 6000) % 60,
    hundredths % 6000,
  ];
  if (hours > 0) return `${hours}:${two(minutes)}:${two(Math.floor(rest / 100))}`;
  return `${minutes}:${two(Math.floor(rest / 100))}.${two(rest % 100)}`;
}

/** Marks of the film's time, for people who look; times stand in the tables too. */
export function timeAxis(durationS: number): Html {
  const step = STEPS_S.find((each) => durationS / each <= MOST_MARKS) ?? 14_400;
  const marks = Array.from({ length: Math.floor(durationS / step) + 1 }, (_, i) => i * step);
  return html`<div class="time-axis" aria-hidden="true">
    ${marks
      // A mark at the very end would stand outside.
      .filter((timeS) => timeS / durationS < 0.95)
      .map(
        (timeS, i) =>
          html`<span class="${i % 2 === 1 && 'odd'}" style="left:${share(timeS, durationS)}">${mark(timeS)}</span>`,
      )}
  </div>`;
}

/** How far a time is into the film, for a style. */
export function share(timeS: number, durationS: number): string {
  return `${Math.round(Math.max(0, Math.min(1, timeS / durationS)) * 10_000) / 100}%`;
}

function mark(timeS: number): string {
  if (timeS < 60) return `${timeS} s`;
  const [hours, minutes, seconds] = [Math.floor(timeS / 3600), Math.floor(timeS / 60) % 60, timeS % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}
