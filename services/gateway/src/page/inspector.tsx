import type { HitCue, LayerCue } from '@soundstage/cues';
import { useId } from 'preact/hooks';
import type { HitChange, LayerChange } from '../editing/cue-edits.js';
import { countOf, gainWords, panWords } from '../editing/cue-words.js';
import { manyHits, type EditorState } from '../editing/editor-store.js';
import type { Editing } from './editing.js';
import { percent } from './format.js';
import { SliderField } from './slider-field.js';
import { SoundPicker } from './sound-picker.js';

const STRUCK = ['struck'] as const;
const ANY = ['continuous', 'struck'] as const;

/** What is selected, in figures: all that can be changed about it. */
export function Inspector({ editing, state }: { editing: Editing; state: EditorState }) {
  const { selection, history } = state;
  const { hits, layers } = history.present;
  if (selection.kind === 'hits') {
    const ids = new Set(selection.ids);
    const chosen = hits.filter(({ id }) => ids.has(id));
    const focused = hits.find(({ id }) => id === selection.focusId);
    if (focused) return <HitPanel editing={editing} hits={hits} chosen={chosen} focused={focused} />;
  }
  const layer = selection.kind === 'layer' ? layers.find(({ id }) => id === selection.id) : undefined;
  if (layer) return <LayerPanel editing={editing} layer={layer} solo={state.solo.has(`layer:${layer.id}`)} />;
  return (
    <div class="inspector inspector-empty">
      <p>
        Choose a hit or a layer to change it. <kbd>←</kbd> <kbd>→</kbd> go from hit to hit, <kbd>a</kbd> adds one at the
        playhead, <kbd>?</kbd> lists all keys.
      </p>
    </div>
  );
}

interface HitPanelProps {
  editing: Editing;
  hits: readonly HitCue[];
  chosen: readonly HitCue[];
  focused: HitCue;
}

function HitPanel({ editing, hits, chosen, focused }: HitPanelProps) {
  const { store, act, palette } = editing;
  const ids = chosen.map(({ id }) => id);
  const several = chosen.length > 1;
  const place = hits.indexOf(focused) + 1;
  const common = <Field extends 'class' | 'sound'>(field: Field) =>
    chosen.every((hit) => hit[field] === focused[field]) ? (focused[field] ?? '') : '';
  const change = (part: HitChange, gesture?: string) =>
    act({ kind: 'change-hits', ids, change: part }, gesture ? { gesture } : {});
  const quietly = (part: HitChange, gesture: string) =>
    store.apply({ kind: 'change-hits', ids, change: part }, { gesture });
  const ended = () => {
    store.settle();
    editing.listen();
  };
  const muted = chosen.every((hit) => hit.muted);
  return (
    <div class="inspector" role="group" aria-labelledby="inspector-title">
      <h2 id="inspector-title">
        {several ? `${countOf(chosen.length, 'hit')} selected` : `Hit ${place} of ${hits.length}`}
      </h2>
      <div class="inspector-fields">
        <TimeField
          label={several ? 'First at' : 'At'}
          value={chosen[0]!.timeS}
          onTime={(timeS) => act({ kind: 'move-hits', ids, byS: timeS - chosen[0]!.timeS })}
        />
        <SliderField
          label="Strength"
          min={0}
          max={100}
          step={1}
          value={Math.round(100 * focused.strength)}
          words={percent(focused.strength)}
          onValue={(value, gesture) => quietly({ strength: value / 100 }, gesture)}
          onEnd={ended}
        />
        <SliderField
          label="Pan"
          min={-100}
          max={100}
          step={5}
          value={Math.round(100 * focused.pan)}
          words={panWords(focused.pan)}
          onValue={(value, gesture) => quietly({ pan: value / 100 }, gesture)}
          onEnd={ended}
        />
        <SoundPicker
          palette={palette}
          kinds={STRUCK}
          value={common('class')}
          sound={common('sound')}
          onChoose={(classId) => change({ class: classId })}
          onSound={(sound) => change({ sound })}
        />
      </div>
      <div class="inspector-actions">
        <button class="button button-small" type="button" onClick={editing.listen}>
          Listen
        </button>
        <button
          class="button button-small"
          type="button"
          aria-pressed={muted}
          onClick={() => change({ muted: !muted })}
        >
          Mute
        </button>
        <button
          class="button button-small"
          type="button"
          onClick={() => {
            const alike = hits.filter((hit) => hit.class === focused.class).map(({ id }) => id);
            store.select(manyHits(alike, focused.id));
          }}
        >
          Select all {focused.class}
        </button>
        <button
          class="button button-small"
          type="button"
          onClick={() => store.apply({ kind: 'delete-hits', ids }, { focus: true })}
        >
          Delete
        </button>
        {!several && focused.confidence < 0.995 && <span class="hint">Confidence {percent(focused.confidence)}</span>}
      </div>
    </div>
  );
}

function LayerPanel({ editing, layer, solo }: { editing: Editing; layer: LayerCue; solo: boolean }) {
  const { store, palette } = editing;
  const { id } = layer;
  const change = (part: LayerChange, gesture?: string) =>
    store.apply({ kind: 'change-layer', id, change: part }, gesture ? { gesture } : {});
  const heard = (part: LayerChange) => {
    change(part);
    editing.listen();
  };
  return (
    <div class="inspector" role="group" aria-labelledby="inspector-title">
      <h2 id="inspector-title">Layer {layer.class}</h2>
      <div class="inspector-fields">
        <TimeField label="From" value={layer.startS} onTime={(startS) => change({ startS })} />
        <TimeField label="To" value={layer.endS} onTime={(endS) => change({ endS })} />
        <SliderField
          label="Gain"
          min={-40}
          max={12}
          step={0.5}
          value={layer.gainDb}
          words={gainWords(layer.gainDb)}
          onValue={(gainDb, gesture) => change({ gainDb }, gesture)}
          onEnd={store.settle}
        />
        <SliderField
          label="Pan"
          min={-100}
          max={100}
          step={5}
          value={Math.round(100 * layer.pan)}
          words={panWords(layer.pan)}
          onValue={(value, gesture) => change({ pan: value / 100 }, gesture)}
          onEnd={store.settle}
        />
        <SoundPicker
          palette={palette}
          kinds={ANY}
          value={layer.class}
          sound={layer.sound ?? ''}
          onChoose={(classId) => heard({ class: classId })}
          onSound={(sound) => heard({ sound })}
        />
      </div>
      <div class="inspector-actions">
        <button class="button button-small" type="button" onClick={editing.listen}>
          Listen
        </button>
        <button
          class="button button-small"
          type="button"
          aria-pressed={layer.muted}
          onClick={() => change({ muted: !layer.muted })}
        >
          Mute
        </button>
        <button
          class="button button-small"
          type="button"
          aria-pressed={solo}
          onClick={() => store.toggleSolo(`layer:${id}`)}
        >
          Solo
        </button>
        <button
          class="button button-small"
          type="button"
          onClick={() => store.apply({ kind: 'add-point', id, point: [editing.playhead.at(), 0.5] }, { focus: true })}
        >
          Add a point
        </button>
        <button class="button button-small" type="button" onClick={() => store.apply({ kind: 'delete-layer', id })}>
          Delete
        </button>
      </div>
    </div>
  );
}

interface TimeFieldProps {
  label: string;
  value: number;
  onTime(timeS: number): void;
}

/** Seconds, taken when the field is left or with Enter. */
function TimeField({ label, value, onTime }: TimeFieldProps) {
  const id = useId();
  return (
    <div class="time-field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        min={0}
        step={0.001}
        value={value.toFixed(3)}
        onChange={(event) => {
          const timeS = event.currentTarget.valueAsNumber;
          if (Number.isFinite(timeS)) onTime(timeS);
          else event.currentTarget.value = value.toFixed(3);
        }}
      />
      <span>s</span>
    </div>
  );
}
