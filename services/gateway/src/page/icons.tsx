/* Drawn for this page; all are decoration beside words. */
import type { ComponentChildren } from 'preact';

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 40 32" width="40" height="32" aria-hidden="true" focusable="false">
      <rect x="0" y="0" width="40" height="32" rx="5" class="mark-film" />
      {[4, 10.5, 17, 23.5].map((y) => (
        <rect key={y} x="3" y={y} width="4" height="4.5" rx="1.2" class="mark-hole" />
      ))}
      <path d="M11 16h4l2.5-6 3.5 12 3.5-17 3.5 21 2.5-10h5" class="mark-wave" />
    </svg>
  );
}

export const PlayIcon = () => (
  <Icon>
    <path d="M7 4.5v15l12-7.5z" fill="currentColor" />
  </Icon>
);
export const PauseIcon = () => (
  <Icon>
    <path d="M8 5v14M16 5v14" stroke-width="3.5" />
  </Icon>
);
export const BackIcon = () => (
  <Icon>
    <path d="M6 5v14M19 6l-9 6 9 6z" />
  </Icon>
);
export const ForwardIcon = () => (
  <Icon>
    <path d="M18 5v14M5 6l9 6-9 6z" />
  </Icon>
);
export const SaveIcon = () => (
  <Icon>
    <path d="M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 20h14" />
  </Icon>
);
export const AgainIcon = () => (
  <Icon>
    <path d="M4 12a8 8 0 0 1 14-5.3L20 9m0-5v5h-5M20 12a8 8 0 0 1-14 5.3L4 15m0 5v-5h5" />
  </Icon>
);

export function LinkIcon() {
  return (
    <Icon>
      <path d="M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.2-1.2" />
    </Icon>
  );
}
