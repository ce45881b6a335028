import { useEffect, useReducer } from 'preact/hooks';
import type { EditorState, EditorStore } from '../editing/editor-store.js';

/** The state of a store, kept current. */
export function useStore(store: EditorStore): EditorState {
  const [, redraw] = useReducer((count: number, _: void) => count + 1, 0);
  useEffect(() => store.subscribe(() => redraw()), [store]);
  return store.state();
}
