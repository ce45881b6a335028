import type { Sync } from '@soundstage/inference';

/** The sync job, done in this process or by a service. */
export interface SyncMaker extends Pick<Sync, 'run' | 'close'> {
  /** Changes whenever the same film could give another answer or other bytes. */
  version: string;
}
