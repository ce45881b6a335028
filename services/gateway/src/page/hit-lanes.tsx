import type { HitCue } from '@soundstage/cues';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { oneHit, type EditorState, type Selection } from '../editing/editor-store.js';
import { hitWords } from '../editing/cue-words.js';
import { hitsBetween, idsBetween, thinned, type HitLane } from '../editing/lanes.js';
import { toTimeS, toX, visibleS, type TimeScale } from '../editing/time-scale.js';
import type { Editing } from './editing.js';
import { drag } from './drag.js';
import { focusQuietly, isQuiet } from './focus-quietly.js';
import { toggled } from './editor-keys.js';

interface HitLanesProps {
  editing: Editing;
  state: EditorState;
  lanes: readonly HitLane[];
  scale: TimeScale;
}

/** A drag over the height of a lane goes from silent to full. */
const STRENGTH_PX = 56;
/** Of more selected hits those that can be told apart are drawn. */
const MOST_MARKED = 300;

/**
 * The hits, one lane a class, as one list in which several can be selected: a bar as high as the hit is strong, as
 * opaque as it is sure. One stop for the Tab key.
 */
export function HitLanes({ editing, state, lanes, scale }: HitLanesProps) {
  const { store } = editing;
  const { selection, history, focusTick, solo } = state;
  const { hits } = history.present;
  const list = useRef<HTMLDivElement>(null);
  const selected = new Set(selection.kind === 'hits' ? selection.ids : []);
  const stop = selection.kind === 'hits' ? selection.focusId : hits[0]?.id;

  const places = useMemo(() => new Map(hits.map(({ id }, index) => [id, index + 1])), [hits]);

  useEffect(() => {
    // As it stands now: keys may have come faster than the page was drawn.
    const now = store.state().selection;
    if (focusTick === 0 || now.kind !== 'hits') return;
    focusQuietly(list.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(now.focusId)}"]`));
  }, [focusTick]);

  if (lanes.length === 0) return null;
  const { fromS, toS } = visibleS(scale);
  return (
    <div
      class="hit-lanes"
      role="listbox"
      aria-multiselectable="true"
      aria-orientation="horizontal"
      aria-label={`Hits, ${hits.length}`}
      ref={list}
    >
      {lanes.map((lane) => {
        const isKept = (id: string) => id === stop || (selected.size <= MOST_MARKED && selected.has(id));
        const seen = thinned(hitsBetween(lane.hits, fromS, toS), scale.pxPerS, isKept);
        const focused = lane.hits.find(({ id }) => id === stop);
        // What has the keyboard is there, wherever the view is.
        const drawn = focused && !seen.includes(focused) ? [...seen, focused] : seen;
        const quiet = solo.size > 0 && !solo.has(`class:${lane.class}`);
        return (
          <div
            key={lane.class}
            class={`cue-lane hit-lane ${quiet ? 'is-quiet' : ''}`}
            role="group"
            aria-label={lane.class}
            onDblClick={(event) => {
              if ((event.target as HTMLElement).closest('.hit')) return;
              const { left } = event.currentTarget.getBoundingClientRect();
              editing.addHit(toTimeS(scale, event.clientX - left), lane.class);
            }}
          >
            {drawn
              .toSorted((a, b) => (a.id < b.id ? -1 : 1))
              .map((hit) => (
                <Hit
                  key={hit.id}
                  hit={hit}
                  editing={editing}
                  scale={scale}
                  selected={selected.has(hit.id)}
                  stop={hit.id === stop}
                  words={hitWords(history.present, hit, places.get(hit.id))}
                  onPress={(event) => store.select(pressed(event, hit, state.selection, hits), { focus: true })}
                />
              ))}
          </div>
        );
      })}
    </div>
  );
}

/** What a click selects: one; with Ctrl one more or less; with Shift all from where the range was begun. */
function pressed(event: PointerEvent, hit: HitCue, selection: Selection, hits: readonly HitCue[]): Selection {
  if (event.ctrlKey || event.metaKey) return toggled(selection, hit.id);
  if (event.shiftKey && selection.kind === 'hits')
    return { ...selection, ids: idsBetween(hits, selection.anchorId, hit.id), focusId: hit.id };
  // One of several: all of them may be about to be dragged.
  if (selection.kind === 'hits' && selection.ids.includes(hit.id)) return { ...selection, focusId: hit.id };
  return oneHit(hit.id);
}

interface HitProps {
  hit: HitCue;
  editing: Editing;
  scale: TimeScale;
  selected: boolean;
  stop: boolean;
  words: string;
  onPress(event: PointerEvent): void;
}

function Hit({ hit, editing, scale, selected, stop, words, onPress }: HitProps) {
  const { store } = editing;
  const current = useRef({ scale });
  current.current = { scale };

  function onPointerDown(event: PointerEvent) {
    if (event.button !== 0) return;
    event.preventDefault(); // no text is selected, and the focus goes where we put it
    onPress(event);
    editing.seek(hit.timeS);
    const { selection } = store.state();
    const ids = selection.kind === 'hits' ? selection.ids : [hit.id];
    // The element is drawn anew while it is dragged; what doesn't go away is the list.
    const holder = (event.currentTarget as HTMLElement).closest<HTMLElement>('.hit-lanes')!;
    const withKeys = event.ctrlKey || event.metaKey || event.shiftKey;
    drag(event, holder, {
      move({ dx, dy, axis, gesture }) {
        const how = { gesture, fromStart: true };
        if (axis === 'y') return store.apply({ kind: 'strengthen-hits', ids, by: -dy / STRENGTH_PX }, how);
        store.apply({ kind: 'move-hits', ids, byS: dx / current.current.scale.pxPerS }, how);
        const moved = store.state().history.present.hits.find(({ id }) => id === hit.id);
        if (moved) editing.seek(moved.timeS);
      },
      end(moved) {
        store.settle();
        if (moved) editing.listen();
        else if (!withKeys && ids.length > 1) store.select(oneHit(hit.id), { focus: true });
      },
    });
  }

  return (
    <div
      class={`hit ${selected ? 'is-selected' : ''} ${hit.muted ? 'is-muted' : ''}`}
      role="option"
      data-id={hit.id}
      tabIndex={stop ? 0 : -1}
      aria-selected={selected}
      aria-label={words}
      title={words}
      style={{ transform: `translateX(${toX(scale, hit.timeS)}px)` }}
      onPointerDown={onPointerDown}
      onFocus={() => {
        if (isQuiet()) return;
        const { selection } = store.state();
        if (selection.kind !== 'hits' || selection.focusId !== hit.id) store.select(oneHit(hit.id));
      }}
    >
      <span
        class="hit-bar"
        style={{ height: `${12 + 88 * hit.strength}%`, opacity: String(0.4 + 0.6 * hit.confidence) }}
      />
    </div>
  );
}
