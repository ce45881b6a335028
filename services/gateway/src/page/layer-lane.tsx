import type { LayerCue } from '@soundstage/cues';
import { useEffect, useRef } from 'preact/hooks';
import { pointWords } from '../editing/cue-words.js';
import type { EditorState } from '../editing/editor-store.js';
import { levelAt } from '../editing/preview-plan.js';
import { toTimeS, toX, visibleS, type TimeScale } from '../editing/time-scale.js';
import type { Editing } from './editing.js';
import { drag } from './drag.js';
import { focusQuietly, isQuiet } from './focus-quietly.js';

/** As high as the style sheet makes the lane, less the room for the points at its edges. */
const LANE_PX = 64;
const EDGE_PX = 6;
/** More points than this in view can't be told apart; the curve is drawn, and zooming in brings them. */
const MOST_POINTS = 120;
const MOST_DRAWN = 2000;

interface LayerLaneProps {
  editing: Editing;
  state: EditorState;
  layer: LayerCue;
  scale: TimeScale;
}

const yOf = (level: number) => EDGE_PX + (1 - level) * (LANE_PX - 2 * EDGE_PX);
const levelOf = (y: number) => 1 - (y - EDGE_PX) / (LANE_PX - 2 * EDGE_PX);

/** A sound that goes on: its envelope as a curve with points. Each point is a slider; one of them is a stop for Tab. */
export function LayerLane({ editing, state, layer, scale }: LayerLaneProps) {
  const { store } = editing;
  const { selection, solo, focusTick } = state;
  const lane = useRef<HTMLDivElement>(null);
  const chosen = selection.kind === 'layer' && selection.id === layer.id ? selection : undefined;
  const stop = chosen?.point ?? 0;

  useEffect(() => {
    if (focusTick === 0 || chosen?.point === undefined) return;
    focusQuietly(lane.current?.querySelector<HTMLElement>(`[data-point="${chosen.point}"]`));
  }, [focusTick]);

  const { fromS, toS } = visibleS(scale);
  const seen = layer.envelope.flatMap(([timeS], index) => (timeS >= fromS && timeS <= toS ? [index] : []));
  const points = seen.length > MOST_POINTS ? [] : seen;
  const drawn = points.includes(stop) ? points : [...points, stop];
  const quiet = solo.size > 0 && !solo.has(`layer:${layer.id}`);
  const at = (event: MouseEvent): [number, number] => {
    const { left, top } = lane.current!.getBoundingClientRect();
    return [toTimeS(scale, event.clientX - left), levelOf(event.clientY - top)];
  };

  return (
    <div
      class={`cue-lane layer-lane ${quiet ? 'is-quiet' : ''} ${layer.muted ? 'is-muted' : ''} ${chosen ? 'is-selected' : ''}`}
      role="group"
      aria-label={`Envelope of ${layer.class}, ${layer.envelope.length} points`}
      ref={lane}
      onPointerDown={(event) => {
        if (event.target === event.currentTarget || (event.target as Element).closest('svg'))
          store.select({ kind: 'layer', id: layer.id });
      }}
      onDblClick={(event) => editing.act({ kind: 'add-point', id: layer.id, point: at(event) }, { focus: true })}
    >
      <svg class="cue-sticky layer-curve" width={scale.viewPx} height={LANE_PX} aria-hidden="true" focusable="false">
        <Curve layer={layer} scale={scale} fromS={fromS} toS={toS} />
      </svg>
      {drawn.map((index) => {
        const point = layer.envelope[index]!;
        return (
          <div
            key={index}
            class={`layer-point ${chosen?.point === index ? 'is-selected' : ''}`}
            role="slider"
            data-point={index}
            tabIndex={index === stop ? 0 : -1}
            aria-label={`${layer.class}, point ${index + 1} of ${layer.envelope.length}`}
            aria-orientation="vertical"
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(100 * point[1])}
            aria-valuetext={pointWords(layer, index, point)}
            style={{ transform: `translate(${toX(scale, point[0])}px, ${yOf(point[1])}px)` }}
            onFocus={() => {
              if (!isQuiet() && chosen?.point !== index) store.select({ kind: 'layer', id: layer.id, point: index });
            }}
            onPointerDown={(event) => {
              if (event.button !== 0) return;
              event.preventDefault();
              event.stopPropagation();
              store.select({ kind: 'layer', id: layer.id, point: index }, { focus: true });
              drag(event, lane.current!, {
                move({ dx, dy, gesture }) {
                  const moved: [number, number] = [
                    point[0] + dx / scale.pxPerS,
                    point[1] - dy / (LANE_PX - 2 * EDGE_PX),
                  ];
                  store.apply({ kind: 'set-point', id: layer.id, index, point: moved }, { gesture, fromStart: true });
                },
                end: () => store.settle(),
              });
            }}
          />
        );
      })}
      {seen.length > MOST_POINTS && <span class="layer-hint">Zoom in to reach its {layer.envelope.length} points</span>}
    </div>
  );
}

/** The curve as far as it is seen, in pixels of the view. */
function Curve({ layer, scale, fromS, toS }: { layer: LayerCue; scale: TimeScale; fromS: number; toS: number }) {
  const [startS, endS] = [Math.max(fromS, layer.startS), Math.min(toS, layer.endS)];
  if (endS <= startS) return null;
  const inside = layer.envelope.filter(([timeS]) => timeS > startS && timeS < endS);
  const every = Math.ceil(inside.length / MOST_DRAWN);
  const line = [
    [startS, levelAt(layer.envelope, startS)] as const,
    ...inside.filter((_, i) => i % every === 0),
    [endS, levelAt(layer.envelope, endS)] as const,
  ].map(([timeS, level]) => `${(toX(scale, timeS) - scale.scrollPx).toFixed(1)},${yOf(level).toFixed(1)}`);
  const [left, right] = [startS, endS].map((timeS) => (toX(scale, timeS) - scale.scrollPx).toFixed(1));
  return (
    <>
      <polygon points={`${left},${LANE_PX} ${line.join(' ')} ${right},${LANE_PX}`} />
      <polyline points={line.join(' ')} />
    </>
  );
}
