import { stat } from 'node:fs/promises';
import { diskFull } from '../sqlite-errors.js';
import { listKeys } from './list-objects.js';
import { objectFile } from './object-keys.js';

/** What one write holds of the quota while it is under way. */
export interface Reservation {
  /** @throws EXHAUSTED when the quota doesn't hold so many more bytes */
  take(bytes: number): void;
  /** The write has become an object. */
  keep(): void;
  /** The write is over: what it took is free again unless it was kept. */
  end(): void;
}

export interface Quota {
  readonly unlimited: boolean;
  open(): Promise<Reservation>;
  /** An object of so many bytes is gone. */
  free(bytes: number): void;
}

const RECOUNT_MS = 60_000;

/** Counts the bytes below `root`: anew once a minute, since other processes write too, and its own writes at once. */
export function createQuota(root: string, quotaBytes: number | undefined): Quota {
  let usedBytes = 0;
  let pendingBytes = 0;
  let countedAtMs = -Infinity;
  let counting: Promise<void> | undefined;

  async function count(): Promise<void> {
    let sum = 0;
    for await (const key of listKeys(root, '', '')) {
      sum += (await stat(objectFile(root, key)).catch(() => undefined))?.size ?? 0;
    }
    usedBytes = sum;
    countedAtMs = performance.now();
    counting = undefined;
  }

  return {
    unlimited: quotaBytes === undefined,
    async open() {
      if (quotaBytes !== undefined && performance.now() - countedAtMs > RECOUNT_MS) await (counting ??= count());
      let takenBytes = 0;
      return {
        take(bytes) {
          if (quotaBytes !== undefined && usedBytes + pendingBytes + bytes > quotaBytes) {
            throw diskFull(`more objects, the quota is ${quotaBytes} bytes`);
          }
          takenBytes += bytes;
          pendingBytes += bytes;
        },
        keep() {
          usedBytes += takenBytes;
        },
        end() {
          pendingBytes -= takenBytes;
        },
      };
    },
    free(bytes) {
      usedBytes = Math.max(0, usedBytes - bytes);
    },
  };
}
