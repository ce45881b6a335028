import { useEffect, useRef, useState } from 'preact/hooks';
import { isImage, newKey, uploadVideo, type ApiError, type Upload, type UploadStep, type Wish } from './api.js';
import { Film } from './film.js';
import { bytes, percent } from './format.js';
import { VideoPicker } from './video-picker.js';
import { WishFields } from './wish-fields.js';

/** The first view: choose a video, say what is wished for, send it. */
export function Start({ onStarted }: { onStarted(jobId: string, file: File): void }) {
  const [file, setFile] = useState<File>();
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
  const [sent, setSent] = useState<number>();
  const [step, setStep] = useState<UploadStep>('send');
  const [problem, setProblem] = useState('');
  const upload = useRef<Upload>(undefined);
  /** One key for one video and wish, so that a second try after a broken connection can't make a second job. */
  const key = useRef(newKey());
  useEffect(() => () => upload.current?.cancel(), []);
  const busy = sent !== undefined;

  function choose(chosen: File | undefined, refusal = '') {
    setProblem(refusal);
    setFile(chosen);
    key.current = newKey();
  }

  async function send() {
    if (!file) {
      setProblem('Choose a video or an image first.');
      document.getElementById('video-file')?.focus();
      return;
    }
    setProblem('');
    setSent(0);
    try {
      upload.current = uploadVideo(file, wish, key.current, (fraction, now) => {
        setSent(fraction);
        setStep(now);
      });
      const job = await upload.current.job;
      upload.current = undefined;
      onStarted(job.id, file);
    } catch (error) {
      const { message, reason } = error as ApiError;
      setSent(undefined);
      if (reason !== 'UNAVAILABLE') key.current = newKey();
      setProblem(reason === 'CANCELLED' ? '' : message);
    }
  }

  return (
    <form
      class="start"
      aria-labelledby="start-title"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
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
        <VideoPicker file={file} disabled={busy} onChoose={choose} />
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
                key.current = newKey();
                setWish(changed);
              }}
            />
            <button class="button button-main" type="submit">
              Make the soundtrack
            </button>
          </>
        )}
        {busy && file && (
          <div class="sending">
            <div
              class="bar"
              role="progressbar"
              aria-label="Upload"
              aria-valuemin={0}
              aria-valuemax={100}
              aria-valuenow={Math.round(sent * 100)}
            >
              <div class="bar-fill" style={{ transform: `scaleX(${sent})` }} />
            </div>
            <p>
              {step === 'read'
                ? `Reading it, ${percent(sent)}`
                : sent < 1
                  ? `Sending ${bytes(file.size * sent)} of ${bytes(file.size)}, ${percent(sent)}`
                  : 'Sent. The server checks it…'}
            </p>
            <button class="button" type="button" onClick={() => upload.current?.cancel()}>
              Cancel the upload
            </button>
          </div>
        )}
      </div>
    </form>
  );
}
