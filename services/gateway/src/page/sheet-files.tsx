import { MOST_CUE_BYTES, readCues, toWebVtt, writeCues } from '@soundstage/cues';
import { useRef } from 'preact/hooks';
import type { Editing } from './editing.js';

/** Saves the sheet as it stands, and takes one that was edited elsewhere. */
export function SheetFiles({ editing, name }: { editing: Editing; name: string }) {
  const { store } = editing;
  const file = useRef<HTMLInputElement>(null);
  const base = name.replace(/\.[^.]{0,5}$/, '') || 'video';
  const sheet = () => store.state().history.present;
  return (
    <div class="editor-tools" role="group" aria-label="Files">
      <button
        class="tool"
        type="button"
        aria-label="Save the cue sheet as JSON"
        onClick={() => save(writeCues(sheet()), `${base} cues.json`, 'application/json')}
      >
        JSON
      </button>
      <button
        class="tool"
        type="button"
        aria-label="Save the cue sheet as VTT"
        onClick={() => save(toWebVtt(sheet()), `${base} cues.vtt`, 'text/vtt')}
      >
        VTT
      </button>
      <button class="tool" type="button" aria-label="Open a cue sheet" onClick={() => file.current?.click()}>
        Open
      </button>
      <input
        ref={file}
        class="sheet-file"
        type="file"
        accept=".json,application/json"
        aria-label="A cue sheet to open"
        tabIndex={-1}
        hidden
        onChange={(event) => {
          const [chosen] = event.currentTarget.files ?? [];
          event.currentTarget.value = '';
          // The editor around takes dropped sheets, too; both go the same way.
          if (chosen) event.target!.dispatchEvent(new CustomEvent('sheet', { bubbles: true, detail: chosen }));
        }}
      />
    </div>
  );
}

/**
 * Takes a sheet from a file into the editor, as an edit that can be undone.
 *
 * @throws SoundstageError BAD_INPUT with the lines that are wrong
 */
export async function openSheet(file: File, { store, durationS, palette }: Editing): Promise<void> {
  const text = file.size > MOST_CUE_BYTES ? '' : await file.text();
  const known = new Map(
    palette.map(({ id, kind, sounds }) => [id, { kind, sounds: sounds.map((each) => each.name) }] as const),
  );
  const sheet = readCues(text, { name: file.name, durationS, ...(known.size > 0 ? { palette: known } : {}) });
  // A sheet of the same film may differ from it by a rounding; what is edited here keeps this film's length.
  const { video } = store.state().history.present;
  store.apply(
    { kind: 'replace', sheet: { ...sheet, video } },
    { words: `${file.name} is opened: ${sheet.hits.length} hits` },
  );
}

function save(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
