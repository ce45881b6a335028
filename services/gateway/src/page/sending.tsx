import { bytes, percent } from './format.js';
import type { Sending } from './use-upload.js';

/** How far a file has gone up, and a way to stop it. */
export function SendingView({ sending: { file, sent, step, cancel } }: { sending: Sending }) {
  if (!file || sent === undefined) return null;
  return (
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
      <button class="button" type="button" onClick={cancel}>
        Cancel the upload
      </button>
    </div>
  );
}
