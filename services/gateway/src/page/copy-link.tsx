import { useState } from 'preact/hooks';
import { linkTo, type ApiError } from './api.js';
import { LinkIcon } from './icons.js';

/** Gives an address of the finished video for somebody else, which works for an hour. */
export function CopyLink({ jobId }: { jobId: string }) {
  const [said, setSaid] = useState('');
  /** Shown to be copied by hand, where the browser doesn't let the page do it. */
  const [address, setAddress] = useState('');

  async function copy() {
    setAddress('');
    try {
      const { url, expiresAt } = await linkTo(jobId);
      const whole = new URL(url, location.href).href;
      const until = new Date(expiresAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
      try {
        await navigator.clipboard.writeText(whole);
        setSaid(`Copied. Whoever has it can watch the video until ${until}.`);
      } catch {
        setAddress(whole);
        setSaid(`Copy it from here. It works until ${until}.`);
      }
    } catch (error) {
      setSaid((error as ApiError).message);
    }
  }

  return (
    <div class="copy-link">
      <button class="button" type="button" onClick={() => void copy()}>
        <LinkIcon /> Copy link
      </button>
      {address && (
        <input
          class="copy-link-address"
          aria-label="Address of the finished video"
          readOnly
          value={address}
          onFocus={(event) => event.currentTarget.select()}
        />
      )}
      <p class="copy-link-said" role="status">
        {said}
      </p>
    </div>
  );
}
