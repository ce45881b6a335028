import { useState } from 'preact/hooks';
import { askFoley, isImage, type Wish } from './api.js';
import { Film } from './film.js';
import { SendingView } from './sending.js';
import { useUpload } from './use-upload.js';
import { VideoPicker } from './video-picker.js';
import { WishFields } from './wish-fields.js';

/** The first view: choose a video, say what is wished for, send it. */
export function Start({ onStarted }: { onStarted(jobId: string, file: File): void }) {
  const [wish, setWish] = useState<Wish>({
    engine: 'palette',
    sound: '',
    keepOriginal: false,
    seed: '0',
    mute: [],
    quality: 'standard',
    candidates: 1,
    stillDurationS: '',
  });
  const sending = useUpload({
    ask: (file) => askFoley(wish, file),
    missing: 'Choose a video or an image first.',
    onStarted,
  });
  const { file, sent, problem } = sending;
  const busy = sent !== undefined;

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
          Give a silent video <span class="lit">its sound.</span>
        </h1>
        <p class="lede">
          Drop in a clip. Soundstage watches it, finds the moments when something strikes, splashes or rolls, and puts
          real recordings exactly there. Move any of them by hand afterwards.
        </p>
      </div>

      <Film track={sent ?? 0} class="start-film">
        <VideoPicker file={file} disabled={busy} onChoose={sending.choose} />
      </Film>

      <div class="start-options">
        {problem && (
          <div class="notice notice-error" role="alert">
            <p>{problem}</p>
          </div>
        )}
        {!busy && (
          <>
            <WishFields
              wish={wish}
              still={file !== undefined && isImage(file)}
              onWish={(changed) => {
                sending.changed();
                setWish(changed);
              }}
            />
            <button class="button button-main" type="submit">
              Make the soundtrack
            </button>
          </>
        )}
        <SendingView sending={sending} />
      </div>
    </form>
  );
}
