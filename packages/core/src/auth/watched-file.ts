import { readFileSync, statSync } from 'node:fs';

/** How often a file is looked at, ms. */
export const LOOK_EVERY_MS = 1000;

/**
 * A file's meaning, read again when the file has changed: keys and certificates are renewed under running servers. A
 * change that can't be read is told once, and what was known before stays.
 *
 * @throws what `read` throws, the first time
 */
export function watchFiles<T>(
  paths: readonly string[],
  read: (contents: Buffer[]) => T,
  onTrouble: (error: unknown) => void,
  lookEveryMs = LOOK_EVERY_MS,
): () => T {
  // Secrets of Kubernetes are links that are turned to another folder: the inode tells.
  const look = () =>
    paths
      .map((path) => statSync(path))
      .map((s) => `${s.ino} ${s.mtimeMs} ${s.size}`)
      .join();
  let seen = look();
  let known = read(paths.map((path) => readFileSync(path)));
  let lookedAtMs = Date.now();
  return () => {
    if (Date.now() - lookedAtMs < lookEveryMs) return known;
    lookedAtMs = Date.now();
    let now = 'gone';
    try {
      now = look();
      if (now === seen) return known;
      known = read(paths.map((path) => readFileSync(path)));
    } catch (error) {
      if (now !== seen) onTrouble(error);
    }
    seen = now;
    return known;
  };
}
