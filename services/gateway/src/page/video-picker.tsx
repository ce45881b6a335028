import { useEffect, useState } from 'preact/hooks';
import { isImage } from './api.js';
import { bytes } from './format.js';

const LIMIT_BYTES = Number(document.querySelector<HTMLMetaElement>('meta[name=upload-limit-bytes]')?.content);

interface VideoPickerProps {
  file: File | undefined;
  disabled: boolean;
  /** Whether it may be a still image, too. */
  images?: boolean;
  onChoose(file: File | undefined, refusal?: string): void;
}

/** A place to drop a video; a real file field underneath, so that keyboard and screen reader work as everywhere. */
export function VideoPicker({ file, disabled, images = true, onChoose }: VideoPickerProps) {
  const [over, setOver] = useState(false);
  const preview = useObjectUrl(file);
  const [playable, setPlayable] = useState(true);
  useEffect(() => setPlayable(true), [file]);

  function take(files: FileList | null | undefined) {
    const [chosen, ...others] = files ?? [];
    if (!chosen || disabled) return;
    if (others.length > 0) return onChoose(undefined, 'One video at a time: drop a single file.');
    if (chosen.size === 0) return onChoose(undefined, `“${chosen.name}” is empty (0 bytes): choose another file.`);
    if (chosen.size > LIMIT_BYTES) {
      const sizes = `has ${bytes(chosen.size)}; this server takes up to ${bytes(LIMIT_BYTES)}`;
      return onChoose(undefined, `“${chosen.name}” ${sizes}. Cut or compress it.`);
    }
    onChoose(chosen);
  }

  // A file that misses the frame must not replace the page.
  useEffect(() => {
    const onOver = (event: DragEvent) => event.preventDefault();
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer?.files);
    };
    addEventListener('dragover', onOver);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onOver);
      removeEventListener('drop', onDrop);
    };
  });

  return (
    <div
      class={`picker ${over ? 'is-over' : ''} ${file ? 'has-file' : ''}`}
      onDragEnter={() => setOver(true)}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setOver(false)}
    >
      {preview && file && isImage(file) && <img class="picker-image" src={preview} alt="" />}
      {preview && playable && file && !isImage(file) && (
        <video
          src={preview}
          muted
          loop
          autoPlay={!matchMedia('(prefers-reduced-motion: reduce)').matches}
          playsInline
          aria-hidden="true"
          tabIndex={-1}
          onError={() => setPlayable(false)}
        />
      )}
      <label class="picker-label" for="video-file">
        {file ? (
          <>
            <strong class="picker-name">{file.name}</strong>
            <span>
              {bytes(file.size)}
              {!playable && ' · your browser can’t show it; the server may still read it'}
              {!disabled && <span class="picker-change">Choose another</span>}
            </span>
          </>
        ) : (
          <>
            <strong>
              Drop a video here, or <span class="picker-change">choose one</span>
            </strong>
            <span>
              MP4, MOV, WebM or MKV{images && ', or a photo'}, up to {bytes(LIMIT_BYTES)}
            </span>
          </>
        )}
      </label>
      <input
        id="video-file"
        class="picker-input"
        type="file"
        accept={`video/*,.mkv,.mov,.avi${images ? ',image/png,image/jpeg,image/webp' : ''}`}
        disabled={disabled}
        onChange={(event) => take(event.currentTarget.files)}
      />
    </div>
  );
}

/** An address for a file that lives as long as it is shown. */
export function useObjectUrl(file: File | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!file) return setUrl(undefined);
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}
