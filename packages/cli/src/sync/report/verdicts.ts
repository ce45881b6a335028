import type { SyncVerdict } from '@soundstage/sync';

/** What a verdict is called among others. */
export const VERDICTS: Readonly<Record<SyncVerdict, string>> = {
  in_sync: 'in sync',
  offset: 'offset',
  drift: 'drift',
  piecewise: 'offset that changes',
  cannot_tell: 'can’t be told',
};
