import type { BatchState } from '../batch/entry.js';

/** How an input ended, on a page. */
export const STATES: Readonly<Record<BatchState, string>> = {
  done: 'done',
  skipped: 'there already',
  refused: 'refused',
  failed: 'failed',
};

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** With a capital letter and a full stop, whatever it came with. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? capital(text) : `${capital(text)}.`;
}
