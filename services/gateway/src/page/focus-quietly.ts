let quiet = false;

/** Moves the keyboard to what is selected already, so that nobody takes it for a person's choice. */
export function focusQuietly(element: HTMLElement | null | undefined): void {
  quiet = true;
  element?.focus({ preventScroll: true });
  quiet = false;
}

/** Whether a focus event comes from focusQuietly. */
export const isQuiet = () => quiet;
