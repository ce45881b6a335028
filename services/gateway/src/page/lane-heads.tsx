import { countOf, gainWords, layerWords } from '../editing/cue-words.js';
import { manyHits, type EditorState } from '../editing/editor-store.js';
import type { HitLane, LaneName } from '../editing/lanes.js';
import type { Editing } from './editing.js';

interface LaneHeadsProps {
  editing: Editing;
  state: EditorState;
  lanes: readonly HitLane[];
  wavePx: number;
}

/** The names of the lanes, each with its mute and solo. Mute is part of the sheet, solo only a way of listening. */
export function LaneHeads({ editing, state, lanes, wavePx }: LaneHeadsProps) {
  const { store } = editing;
  const { layers } = state.history.present;
  const { selection } = state;
  return (
    <div class="lane-heads">
      <div class="lane-head-wave" style={{ height: `calc(1.5rem + ${wavePx}px)` }} aria-hidden="true">
        Soundtrack
      </div>
      {lanes.map(({ class: id, hits }) => {
        const muted = hits.every((hit) => hit.muted);
        const ids = hits.map((hit) => hit.id);
        return (
          <LaneHead
            key={id}
            name={id}
            about={countOf(hits.length, 'hit')}
            label={`Select all ${id}, ${countOf(hits.length, 'hit')}`}
            lane={`class:${id}`}
            muted={muted}
            height="hit-lane"
            chosen={
              selection.kind === 'hits' && selection.ids.length > 0 && ids.every((each) => selection.ids.includes(each))
            }
            state={state}
            editing={editing}
            onSelect={() => store.select(manyHits(ids))}
            onMute={() => {
              const words = `${id}, ${countOf(hits.length, 'hit')}, ${muted ? 'heard' : 'muted'}`;
              store.apply({ kind: 'change-hits', ids, change: { muted: !muted } }, { words });
            }}
          />
        );
      })}
      {layers.map((layer) => (
        <LaneHead
          key={layer.id}
          name={layer.class}
          about={gainWords(layer.gainDb)}
          label={layerWords(layer)}
          lane={`layer:${layer.id}`}
          muted={layer.muted}
          height="layer-lane"
          chosen={selection.kind === 'layer' && selection.id === layer.id}
          state={state}
          editing={editing}
          onSelect={() => store.select({ kind: 'layer', id: layer.id })}
          onMute={() => {
            const words = `Layer ${layer.class}, ${layer.muted ? 'heard' : 'muted'}`;
            store.apply({ kind: 'change-layer', id: layer.id, change: { muted: !layer.muted } }, { words });
          }}
        />
      ))}
    </div>
  );
}

interface LaneHeadProps {
  name: string;
  about: string;
  label: string;
  lane: LaneName;
  muted: boolean;
  chosen: boolean;
  height: 'hit-lane' | 'layer-lane';
  state: EditorState;
  editing: Editing;
  onSelect(): void;
  onMute(): void;
}

function LaneHead({
  name,
  about,
  label,
  lane,
  muted,
  chosen,
  height,
  state,
  editing,
  onSelect,
  onMute,
}: LaneHeadProps) {
  const solo = state.solo.has(lane);
  return (
    <div class={`lane-head ${height} ${chosen ? 'is-selected' : ''}`}>
      <button class="lane-name" type="button" title={label} onClick={onSelect}>
        <span>{name}</span>
        <span class="lane-about">{about}</span>
      </button>
      <button
        class="lane-switch"
        type="button"
        aria-pressed={muted}
        aria-label={`Mute ${name}`}
        title={`Mute ${name}`}
        onClick={onMute}
      >
        M
      </button>
      <button
        class="lane-switch is-solo"
        type="button"
        aria-pressed={solo}
        aria-label={`Hear ${name} alone`}
        title={`Hear ${name} alone: a way of listening that changes nothing in the sheet`}
        onClick={() => {
          editing.store.toggleSolo(lane);
          editing.store.say(`${name} ${solo ? 'with the others' : 'alone'}`);
        }}
      >
        S
      </button>
    </div>
  );
}
