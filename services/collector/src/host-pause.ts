import { readJson, sha256, writeJson, type ObjectStore } from '@soundstage/core';

/*
 * Hosts that asked for a pause, noted where every collector sees it: collector/hosts/<hash>.json
 */

const keyOf = (host: string) => `collector/hosts/${sha256(host).slice(0, 32)}.json`;

/** Notes that a host wants to be left alone for so long. */
export async function notePause(store: ObjectStore, host: string, pauseMs: number): Promise<void> {
  await writeJson(store, keyOf(host), { host, untilMs: Date.now() + pauseMs });
}

/** How long a host still wants to be left alone, milliseconds. */
export async function pauseOf(store: ObjectStore, host: string): Promise<number> {
  const noted = await readJson<{ untilMs: number }>(store, keyOf(host));
  return Math.max(0, (noted?.value.untilMs ?? 0) - Date.now());
}
