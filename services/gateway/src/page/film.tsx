import type { ComponentChildren } from 'preact';

/**
 * A frame of film: perforations at both sides, the picture, and between them the sound track, printed as a strip that
 * fills with real progress.
 */
export function Film({
  track,
  children,
  class: extra = '',
}: {
  track?: number;
  children: ComponentChildren;
  class?: string;
}) {
  return (
    <div class={`film ${extra}`}>
      <div class="film-holes" aria-hidden="true" />
      <div class="film-track" aria-hidden="true">
        <div class="film-track-fill" style={{ transform: `scaleY(${track ?? 0})` }} />
      </div>
      <div class="film-gate">
        <div class="film-picture">{children}</div>
      </div>
      <div class="film-holes" aria-hidden="true" />
    </div>
  );
}
