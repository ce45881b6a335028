import type { CueSheet } from '@soundstage/cues';
import type { CueEdit } from './cue-edits.js';
import { countOf, hitWords, layerWords, pointWords } from './cue-words.js';
import { edited, redone, settled, startHistory, undone, type EditHistory } from './edit-history.js';
import { soundsAlike } from './preview-plan.js';

/** What edits go to. `focusId` is the hit that has the keyboard, `anchorId` where a range was begun. */
export type Selection =
  | { kind: 'none' }
  | { kind: 'hits'; ids: readonly string[]; focusId: string; anchorId: string }
  | { kind: 'layer'; id: string; point?: number | undefined };

export interface EditorState {
  history: EditHistory;
  /** As it was rendered. */
  rendered: CueSheet;
  /** Whether anything that can be heard differs from what was rendered. */
  dirty: boolean;
  selection: Selection;
  /** Lanes that are listened to alone: a way of listening, which changes nothing in the sheet. */
  solo: ReadonlySet<string>;
  /** What was done last, for whoever can't see it. */
  said: string;
  /** Grows when the keyboard should go to what is selected. */
  focusTick: number;
}

export interface EditorStore {
  state(): EditorState;
  subscribe(listener: () => void): () => void;
  /** @param how.words what is said about it; by default what is selected afterwards */
  apply(edit: CueEdit, how?: ApplyOptions): void;
  undo(): void;
  redo(): void;
  /** Ends a drag or a held key, so that what follows is a step of its own. */
  settle(): void;
  select(selection: Selection, how?: { focus?: boolean; quiet?: boolean }): void;
  toggleSolo(lane: string): void;
  say(words: string): void;
}

export interface ApplyOptions {
  gesture?: string;
  fromStart?: boolean;
  words?: string;
  focus?: boolean;
  select?: Selection;
}

const NONE: Selection = { kind: 'none' };
/** More hits than this that an undo brings back are not selected. */
const MOST_SELECTED_BY_UNDO = 200;

/** One cue sheet under a person's hands: what is selected, what is heard, what can be taken back. */
export function createEditorStore(rendered: CueSheet, restored?: CueSheet): EditorStore {
  let state: EditorState = {
    history: restored ? edited(startHistory(rendered), { kind: 'replace', sheet: restored }) : startHistory(rendered),
    rendered,
    dirty: restored !== undefined && !soundsAlike(restored, rendered),
    selection: NONE,
    solo: new Set(),
    said: '',
    focusTick: 0,
  };
  const listeners = new Set<() => void>();

  function change(part: Partial<EditorState>): void {
    const next = { ...state, ...part };
    if (part.history && part.history.present !== state.history.present)
      next.dirty = !soundsAlike(part.history.present, rendered);
    next.selection = existing(next.history.present, next.selection);
    state = next;
    for (const listener of listeners) listener();
  }

  function step(history: EditHistory, word: string): void {
    if (history === state.history) return change({ said: `Nothing to ${word.toLowerCase()}` });
    const selection = difference(state.history.present, history.present) ?? state.selection;
    const words = selectionWords(history.present, existing(history.present, selection));
    change({ history, selection, said: `${word}: ${words}`, focusTick: state.focusTick + 1 });
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    apply(edit, { gesture, fromStart = false, words, focus = false, select } = {}) {
      const history = edited(state.history, edit, { gesture, fromStart });
      const selection = existing(history.present, select ?? selectionAfter(state, history.present, edit));
      change({
        history,
        selection,
        said: words ?? selectionWords(history.present, selection),
        focusTick: state.focusTick + (focus ? 1 : 0),
      });
    },
    undo: () => step(undone(state.history), 'Undo'),
    redo: () => step(redone(state.history), 'Redo'),
    settle: () => change({ history: settled(state.history) }),
    select(selection, { focus = false, quiet = false } = {}) {
      const said = quiet ? state.said : selectionWords(state.history.present, selection);
      change({ selection, said, focusTick: state.focusTick + (focus ? 1 : 0) });
    },
    toggleSolo(lane) {
      const solo = new Set(state.solo);
      if (!solo.delete(lane)) solo.add(lane);
      change({ solo });
    },
    say: (said) => change({ said }),
  };
}

/** One hit alone. */
export function oneHit(id: string): Selection {
  return { kind: 'hits', ids: [id], focusId: id, anchorId: id };
}

/** Several hits; the keyboard is on the first of them, or on the one named. */
export function manyHits(ids: readonly string[], focusId = ids[0]): Selection {
  return focusId === undefined ? NONE : { kind: 'hits', ids, focusId, anchorId: focusId };
}

/** What is selected, as a sentence. */
export function selectionWords(sheet: CueSheet, selection: Selection): string {
  if (selection.kind === 'none')
    return `${countOf(sheet.hits.length, 'hit')}, ${countOf(sheet.layers.length, 'layer')}`;
  if (selection.kind === 'layer') {
    const layer = sheet.layers.find(({ id }) => id === selection.id);
    if (!layer) return '';
    const { point } = selection;
    const at = point === undefined ? undefined : layer.envelope[point];
    return at && point !== undefined ? pointWords(layer, point, at) : layerWords(layer);
  }
  const focused = sheet.hits.find(({ id }) => id === selection.focusId);
  if (!focused) return '';
  const others = selection.ids.length;
  return others > 1 ? `${hitWords(sheet, focused)}; ${countOf(others, 'hit')} selected` : hitWords(sheet, focused);
}

/** A selection without what isn't there. */
function existing(sheet: CueSheet, selection: Selection): Selection {
  if (selection.kind === 'none') return selection;
  if (selection.kind === 'layer') {
    const layer = sheet.layers.find(({ id }) => id === selection.id);
    if (!layer) return NONE;
    const { point } = selection;
    return point === undefined || layer.envelope[point]
      ? selection
      : { ...selection, point: layer.envelope.length - 1 };
  }
  const there = new Set(sheet.hits.map(({ id }) => id));
  const ids = selection.ids.filter((id) => there.has(id));
  if (ids.length === selection.ids.length && there.has(selection.focusId)) return selection;
  if (ids.length === 0) return NONE;
  const focusId = there.has(selection.focusId) ? selection.focusId : ids[0]!;
  return { kind: 'hits', ids, focusId, anchorId: focusId };
}

/** What was added is selected; after a deletion, what comes next. */
function selectionAfter(before: EditorState, after: CueSheet, edit: CueEdit): Selection {
  const { selection } = before;
  const sheet = before.history.present;
  switch (edit.kind) {
    case 'add-hit': {
      const known = new Set(sheet.hits.map(({ id }) => id));
      const added = after.hits.find(({ id }) => !known.has(id));
      return added ? oneHit(added.id) : selection;
    }
    case 'add-layer':
      return after.layers.length > sheet.layers.length ? { kind: 'layer', id: after.layers.at(-1)!.id } : selection;
    case 'delete-hits': {
      const gone = new Set(edit.ids);
      const first = sheet.hits.findIndex(({ id }) => gone.has(id));
      const next = sheet.hits.slice(first).find(({ id }) => !gone.has(id)) ?? after.hits.at(-1);
      return next ? oneHit(next.id) : NONE;
    }
    case 'add-point': {
      const layer = after.layers.find(({ id }) => id === edit.id);
      const old = sheet.layers.find(({ id }) => id === edit.id);
      const point = layer?.envelope.findIndex((each) => !old?.envelope.includes(each)) ?? -1;
      return point >= 0 ? { kind: 'layer', id: edit.id, point } : selection;
    }
    case 'delete-point':
      return { kind: 'layer', id: edit.id, point: Math.max(0, edit.index - 1) };
    case 'replace':
      return NONE;
    default:
      return selection;
  }
}

/** What an undo or redo changed, to be looked at. */
function difference(before: CueSheet, after: CueSheet): Selection | undefined {
  const old = new Set(before.hits);
  const ids = after.hits.filter((hit) => !old.has(hit)).map(({ id }) => id);
  if (ids.length > 0) return ids.length <= MOST_SELECTED_BY_UNDO ? manyHits(ids) : NONE;
  const layer = after.layers.find((each) => !before.layers.includes(each));
  return layer && { kind: 'layer', id: layer.id };
}
