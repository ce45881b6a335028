import { createHash } from 'node:crypto';

export const CRASH_TOPIC = 'crash';
/** Shorter than a round, so that what the killed held comes again soon. */
export const CRASH_LEASE_MS = 150;

/** What the work item `name` makes: between 0 and 200 kB, told by its name alone. */
export function contentOf(name: string): Buffer {
  const hash = createHash('sha256').update(name).digest();
  return Buffer.alloc(hash[0]! < 200 ? hash.readUInt16LE(1) % 2000 : hash.readUInt32LE(1) % 200_000, hash);
}
