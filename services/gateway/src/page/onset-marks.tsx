import { useRef, useState } from 'preact/hooks';
import { clock, percent } from './format.js';

interface OnsetMarksProps {
  onsets: { timeS: number; strength: number }[];
  durationS: number;
  at: number;
  onSeek(seconds: number): void;
}

/**
 * The moments that were found, each as tall as it is strong. One stop for the Tab key; the arrows go from mark to mark
 * and the player goes along.
 */
export function OnsetMarks({ onsets, durationS, at, onSeek }: OnsetMarksProps) {
  const [chosen, setChosen] = useState(0);
  const [told, setTold] = useState<number>();
  const group = useRef<HTMLDivElement>(null);

  function go(index: number) {
    const to = Math.min(Math.max(index, 0), onsets.length - 1);
    setChosen(to);
    group.current?.querySelectorAll<HTMLElement>('button')[to]?.focus();
    onSeek(onsets[to]!.timeS);
  }

  function onKeyDown(event: KeyboardEvent) {
    const moves: Record<string, number> = {
      ArrowRight: chosen + 1,
      ArrowLeft: chosen - 1,
      Home: 0,
      End: onsets.length - 1,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  }

  const shown = told === undefined ? undefined : onsets[told];
  return (
    <div class="marks" role="toolbar" aria-label={`Moments, ${onsets.length} found`} ref={group} onKeyDown={onKeyDown}>
      {onsets.map(({ timeS, strength }, i) => (
        <button
          key={`${i}-${timeS}`}
          type="button"
          class={`mark-onset ${Math.abs(timeS - at) < 0.06 ? 'is-now' : ''}`}
          style={{ left: `${(100 * timeS) / durationS}%` }}
          tabIndex={i === chosen ? 0 : -1}
          aria-label={`Moment ${i + 1} of ${onsets.length} at ${timeS.toFixed(2)} s, strength ${percent(strength)}`}
          onClick={() => go(i)}
          onFocus={() => (setChosen(i), setTold(i))}
          onBlur={() => setTold(undefined)}
          onPointerEnter={() => setTold(i)}
          onPointerLeave={() => setTold(undefined)}
        >
          <span style={{ height: `${18 + 82 * strength}%` }} />
        </button>
      ))}
      {shown && (
        <div
          class="marks-tip"
          aria-hidden="true"
          style={{ left: `clamp(4.5rem, ${(100 * shown.timeS) / durationS}%, calc(100% - 4.5rem))` }}
        >
          {clock(shown.timeS)} · strength {percent(shown.strength)}
        </div>
      )}
    </div>
  );
}
