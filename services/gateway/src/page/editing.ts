import type { CueEdit } from '../editing/cue-edits.js';
import type { ApplyOptions, EditorStore } from '../editing/editor-store.js';
import type { SoundClassJson } from './api.js';
import type { Playhead } from './playhead.js';
import type { AuditionControls } from './use-audition.js';

/** Everything that the parts of the editor share. */
export interface Editing {
  store: EditorStore;
  durationS: number;
  palette: readonly SoundClassJson[];
  audition: AuditionControls;
  playhead: Playhead;
  /** Applies an edit and lets it be heard: the one hit that it changed, unless the film plays and it is heard there. */
  act(edit: CueEdit, how?: ApplyOptions): void;
  addHit(timeS: number, classId?: string): void;
  listen(): void;
  seek(timeS: number): void;
}
