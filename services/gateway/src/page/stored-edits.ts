import { readCues, writeCues, type CueSheet } from '@soundstage/cues';

/** Edits of one candidate that survive a reload. */
export interface StoredEdits {
  sheet: CueSheet;
  /** They were sent to be rendered, so that nothing is lost with them. */
  sent: boolean;
}

const keyOf = (jobId: string, candidate: number) => `soundstage.cues.${jobId}.${candidate}`;

/** @returns undefined where there are none, or none that can still be read */
export function loadEdits(jobId: string, candidate: number): StoredEdits | undefined {
  try {
    const text = localStorage.getItem(keyOf(jobId, candidate));
    if (!text) return undefined;
    const sent = text.startsWith('sent\n');
    return { sheet: readCues(sent ? text.slice(5) : text), sent };
  } catch {
    return undefined;
  }
}

/** @returns false where the browser has no room or no store: a reload would lose the edits */
export function storeEdits(jobId: string, candidate: number, edits: StoredEdits | undefined): boolean {
  try {
    if (!edits) localStorage.removeItem(keyOf(jobId, candidate));
    else localStorage.setItem(keyOf(jobId, candidate), `${edits.sent ? 'sent\n' : ''}${writeCues(edits.sheet)}`);
    return true;
  } catch {
    return edits === undefined;
  }
}
