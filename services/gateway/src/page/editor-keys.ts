import type { CueEdit } from '../editing/cue-edits.js';
import { manyHits, oneHit, type ApplyOptions, type EditorStore, type Selection } from '../editing/editor-store.js';
import { idsBetween } from '../editing/lanes.js';

/** What the keys act on. */
export interface KeyTargets {
  store: EditorStore;
  /** Applies an edit, lets it be heard, and keeps the keyboard where it is. */
  act(edit: CueEdit, how?: ApplyOptions): void;
  atS(): number;
  frameS: number;
  seek(timeS: number): void;
  toggle(): void;
  zoom(factor: number): void;
  fit(): void;
  addHit(timeS: number): void;
  listen(): void;
  help(): void;
  chooseSound(): void;
}

const FINE_S = 0.001;
const ARROWS: Record<string, -1 | 1> = { ArrowLeft: -1, ArrowRight: 1 };
const LEVELS: Record<string, -1 | 1> = { ArrowUp: 1, ArrowDown: -1 };
const COMMAS: Record<string, [sign: -1 | 1, fine: boolean]> = {
  ',': [-1, false],
  '.': [1, false],
  '<': [-1, true],
  '>': [1, true],
};

/** Does what a key stands for in the timeline. @returns whether it stands for anything */
export function pressKey(event: KeyboardEvent, on: KeyTargets): boolean {
  const { selection } = on.store.state();
  if (pressAnywhere(event, on)) return true;
  if (selection.kind === 'layer') return pressOnLayer(event, on, selection);
  return pressOnHits(event, on);
}

/** Keys that work in the whole editor, fields apart. */
export function pressUndo(event: KeyboardEvent, { store }: Pick<KeyTargets, 'store'>): boolean {
  if (!(event.ctrlKey || event.metaKey)) return false;
  const key = event.key.toLowerCase();
  if (key === 'y' || (key === 'z' && event.shiftKey)) store.redo();
  else if (key === 'z') store.undo();
  else return false;
  return true;
}

function pressAnywhere(event: KeyboardEvent, on: KeyTargets): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const actions: Record<string, () => void> = {
    ' ': on.toggle,
    '+': () => on.zoom(1.6),
    '=': () => on.zoom(1.6),
    '-': () => on.zoom(1 / 1.6),
    '0': on.fit,
    '?': on.help,
    l: on.listen,
    Enter: on.chooseSound,
  };
  const action = actions[event.key];
  action?.();
  return action !== undefined;
}

function pressOnHits(event: KeyboardEvent, on: KeyTargets): boolean {
  const { store, act } = on;
  const { history, selection } = store.state();
  const { hits } = history.present;
  const ctrl = event.ctrlKey || event.metaKey;
  const chosen = selection.kind === 'hits' ? selection : undefined;
  const ids = chosen?.ids ?? [];
  const held = { gesture: event.repeat ? `hold-${event.code}` : `key-${event.code}-${event.timeStamp}`, focus: true };
  if (ctrl && event.key.toLowerCase() === 'a') {
    store.select(manyHits(hits.map(({ id }) => id), chosen?.focusId), { focus: true }); // prettier-ignore
    return true;
  }
  if (ctrl && event.key === ' ' && chosen) {
    store.select(toggled(chosen, chosen.focusId), { focus: true });
    return true;
  }
  const nudge = nudgeOf(event, on.frameS);
  if (nudge !== undefined && ids.length > 0) {
    act({ kind: 'move-hits', ids, byS: nudge }, held);
    return true;
  }
  const arrow = ARROWS[event.key];
  if ((arrow || event.key === 'Home' || event.key === 'End') && !event.altKey) {
    const to = neighbour(event.key, hits, chosen?.focusId, on.atS());
    if (!to) return true;
    if (event.shiftKey && chosen)
      store.select({ ...chosen, ids: idsBetween(hits, chosen.anchorId, to.id), focusId: to.id }, { focus: true });
    else if (ctrl && chosen) store.select({ ...chosen, focusId: to.id }, { focus: true });
    else store.select(oneHit(to.id), { focus: true });
    on.seek(to.timeS);
    return true;
  }
  const level = LEVELS[event.key];
  if (level && ids.length > 0) {
    act({ kind: 'strengthen-hits', ids, by: level * (event.shiftKey ? 0.01 : 0.05) }, held);
    return true;
  }
  if (ctrl || event.altKey) return false;
  if (event.key === 'a') {
    on.addHit(on.atS());
    return true;
  }
  const focused = hits.find(({ id }) => id === chosen?.focusId);
  if (!focused) return false;
  switch (event.key) {
    case 'Delete':
    case 'Backspace':
      store.apply({ kind: 'delete-hits', ids }, { focus: true });
      return true;
    case 'm':
      act({ kind: 'change-hits', ids, change: { muted: !focused.muted } }, { focus: true });
      return true;
    case 'c':
      store.select(manyHits(hits.filter((hit) => hit.class === focused.class).map(({ id }) => id), focused.id), { focus: true }); // prettier-ignore
      return true;
    case '[':
    case ']':
      act({ kind: 'change-hits', ids, change: { pan: focused.pan + (event.key === '[' ? -0.1 : 0.1) } }, held);
      return true;
    case 'Escape':
      store.select(oneHit(focused.id), { focus: true });
      return true;
    default:
      return false;
  }
}

function pressOnLayer(event: KeyboardEvent, on: KeyTargets, selection: Extract<Selection, { kind: 'layer' }>): boolean {
  const { store, act } = on;
  const { id, point } = selection;
  const layer = store.state().history.present.layers.find((each) => each.id === id);
  if (!layer) return false;
  const held = { gesture: event.repeat ? `hold-${event.code}` : `key-${event.code}-${event.timeStamp}`, focus: true };
  const at = point === undefined ? undefined : layer.envelope[point];
  const nudge = nudgeOf(event, on.frameS);
  if (nudge !== undefined && at && point !== undefined) {
    act({ kind: 'set-point', id, index: point, point: [at[0] + nudge, at[1]] }, held);
    return true;
  }
  const last = layer.envelope.length - 1;
  const goTo = { ArrowLeft: (point ?? 1) - 1, ArrowRight: (point ?? -1) + 1, Home: 0, End: last }[event.key];
  if (goTo !== undefined && !event.altKey) {
    const to = Math.min(Math.max(goTo, 0), last);
    store.select({ kind: 'layer', id, point: to }, { focus: true });
    on.seek(layer.envelope[to]![0]);
    return true;
  }
  const level = LEVELS[event.key];
  if (level) {
    const step = level * (event.shiftKey ? 0.01 : 0.05);
    if (at && point !== undefined) act({ kind: 'set-point', id, index: point, point: [at[0], at[1] + step] }, held);
    else act({ kind: 'change-layer', id, change: { gainDb: layer.gainDb + level } }, held);
    return true;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  switch (event.key) {
    case 'a':
      act({ kind: 'add-point', id, point: [on.atS(), 0.5] }, { focus: true });
      return true;
    case 'Delete':
    case 'Backspace':
      if (point === undefined) store.apply({ kind: 'delete-layer', id });
      else act({ kind: 'delete-point', id, index: point }, { focus: true });
      return true;
    case 'm':
      act({ kind: 'change-layer', id, change: { muted: !layer.muted } }, { focus: true });
      return true;
    default:
      return false;
  }
}

/** How far Alt and an arrow, or a comma or point, moves something in time. */
function nudgeOf(event: KeyboardEvent, frameS: number): number | undefined {
  const arrow = ARROWS[event.key];
  if (arrow && event.altKey) return arrow * (event.shiftKey ? FINE_S : frameS);
  const comma = COMMAS[event.key];
  if (!comma || event.ctrlKey || event.metaKey) return undefined;
  return comma[0] * (comma[1] ? FINE_S : frameS);
}

/** The hit that a key goes to; from the playhead where none has the keyboard. */
function neighbour(
  key: string,
  hits: readonly { id: string; timeS: number }[],
  focusId: string | undefined,
  atS: number,
): { id: string; timeS: number } | undefined {
  if (key === 'Home') return hits[0];
  if (key === 'End') return hits.at(-1);
  const index = hits.findIndex(({ id }) => id === focusId);
  if (index < 0) {
    return key === 'ArrowLeft' ? hits.findLast(({ timeS }) => timeS < atS) : hits.find(({ timeS }) => timeS >= atS);
  }
  return hits[Math.min(Math.max(index + ARROWS[key]!, 0), hits.length - 1)];
}

/** A selection with one hit more or less. */
export function toggled(selection: Selection, id: string): Selection {
  if (selection.kind !== 'hits') return oneHit(id);
  const ids = selection.ids.includes(id) ? selection.ids.filter((each) => each !== id) : [...selection.ids, id];
  return ids.length === 0
    ? { kind: 'none' }
    : { kind: 'hits', ids, focusId: ids.includes(id) ? id : ids[0]!, anchorId: id };
}
