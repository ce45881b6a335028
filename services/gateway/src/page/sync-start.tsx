import { useState } from 'preact/hooks';
import { askSync, type SyncWish } from './api.js';
import { Film } from './film.js';
import { SendingView } from './sending.js';
import { useUpload } from './use-upload.js';
import { VideoPicker } from './video-picker.js';

const RANGES_S = [1, 2, 3, 5];

/** The first view of sync: choose a film in which people talk, say how far to look, send it. */
export function SyncStart({ onStarted }: { onStarted(jobId: string, file: File): void }) {
  const [wish, setWish] = useState<SyncWish>({ rangeS: 1, measureOnly: false });
  const sending = useUpload({ ask: () => askSync(wish), missing: 'Choose a video first.', onStarted });
  const { file, sent, problem } = sending;
  const busy = sent !== undefined;
  const change = (changed: Partial<SyncWish>) => {
    sending.changed();
    setWish({ ...wish, ...changed });
  };
  return (
    <form
      class="start"
      aria-labelledby="start-title"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void sending.send();
      }}
    >
      <div class="start-words">
        <h1 id="start-title" tabIndex={-1}>
          Put lips and sound <span class="lit">back together.</span>
        </h1>
        <p class="lede">
          Drop in a film in which people talk. Soundstage measures by how much the sound is late or early, moves it, and
          measures again. The picture is never touched, and a file that is in sync stays as it is.
        </p>
      </div>

      <Film track={sent ?? 0} class="start-film">
        <VideoPicker file={file} disabled={busy} images={false} onChoose={sending.choose} />
      </Film>

      <div class="start-options">
        {problem && (
          <div class="notice notice-error" role="alert">
            <p>{problem}</p>
          </div>
        )}
        {!busy && (
          <>
            <div class="wish">
              <div class="field">
                <label for="range">How far may it be off?</label>
                <p class="hint" id="range-hint">
                  A wider range takes longer and needs more speech to be sure.
                </p>
                <select
                  id="range"
                  aria-describedby="range-hint"
                  value={String(wish.rangeS)}
                  onChange={(event) => change({ rangeS: Number(event.currentTarget.value) })}
                >
                  {RANGES_S.map((rangeS) => (
                    <option key={rangeS} value={String(rangeS)}>
                      up to {rangeS} s, late or early
                    </option>
                  ))}
                </select>
              </div>
              <label class="switch">
                <input
                  type="checkbox"
                  role="switch"
                  checked={wish.measureOnly}
                  onChange={(event) => change({ measureOnly: event.currentTarget.checked })}
                />
                <span class="switch-track" aria-hidden="true" />
                <span>
                  Measure only
                  <span class="hint">Say what is found and repair nothing.</span>
                </span>
              </label>
            </div>
            <button class="button button-main" type="submit">
              {wish.measureOnly ? 'Measure it' : 'Measure and repair it'}
            </button>
          </>
        )}
        <SendingView sending={sending} />
      </div>
    </form>
  );
}
