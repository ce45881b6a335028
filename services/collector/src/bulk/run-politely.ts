import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '@soundstage/core';

export interface Politeness<Item> {
  /** Whose patience an item costs; empty: nobody's. */
  hostOf(item: Item): string;
  /** How many items at a time, in all and for one host. */
  inFlight: number;
  perHost: number;
  /** How long a host wants to be left alone, milliseconds. */
  pauseOf(host: string): Promise<number>;
  /** How many items may be in flight as things stand: falls as a limit comes nearer. */
  room(): number;
  signal: AbortSignal;
}

/** One host's items that wait. */
interface Lane<Item> {
  waiting: Item[];
  running: number;
  notBeforeMs: number;
}

/** How many items may wait for a busy host while others are looked for. */
const MOST_WAITING = 10_000;
/** How often a host that paused is thought of again. */
const LOOK_EVERY_MS = 250;

/**
 * Works through items, several at a time but only so many of one host, and none of a host that asked for a pause.
 * Items of one host are begun in order. Ends when all are done, or when there is no more room; the first error ends it,
 * after those in flight have ended.
 */
export async function runPolitely<Item>(
  items: AsyncIterator<Item, void>,
  politeness: Politeness<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const { inFlight, perHost, signal } = politeness;
  const lanes = new Map<string, Lane<Item>>();
  const running = new Set<Promise<void>>();
  let waiting = 0;
  let exhausted = false;
  let failed: unknown;

  const laneOf = (host: string) => {
    const lane = lanes.get(host) ?? { waiting: [], running: 0, notBeforeMs: 0 };
    lanes.set(host, lane);
    return lane;
  };

  /** The next item whose host may be asked now. */
  async function next(): Promise<{ item: Item; lane: Lane<Item> } | undefined> {
    for (const [host, lane] of lanes) {
      if (lane.waiting.length === 0) {
        if (lane.running === 0) lanes.delete(host);
        continue;
      }
      if (await mayBegin(host, lane)) {
        waiting--;
        // To the end of the round, so that every host has its turn.
        lanes.delete(host);
        lanes.set(host, lane);
        return { item: lane.waiting.shift()!, lane };
      }
    }
    while (!exhausted && waiting < MOST_WAITING) {
      throwIfAborted(signal);
      const taken = await items.next();
      if (taken.done) {
        exhausted = true;
        return undefined;
      }
      const host = politeness.hostOf(taken.value);
      const lane = laneOf(host);
      if (lane.waiting.length === 0 && (await mayBegin(host, lane))) return { item: taken.value, lane };
      lane.waiting.push(taken.value);
      waiting++;
    }
    return undefined;
  }

  async function mayBegin(host: string, lane: Lane<Item>): Promise<boolean> {
    if (host === '') return true;
    if (lane.running >= perHost || Date.now() < lane.notBeforeMs) return false;
    const pauseMs = await politeness.pauseOf(host);
    lane.notBeforeMs = Date.now() + pauseMs;
    return pauseMs <= 0;
  }

  for (;;) {
    while (failed === undefined && !signal.aborted && running.size < Math.min(inFlight, politeness.room())) {
      const found = await next();
      if (!found) break;
      const { item, lane } = found;
      lane.running++;
      const task: Promise<void> = work(item)
        .catch((error: unknown) => {
          failed ??= error;
        })
        .finally(() => {
          lane.running--;
          running.delete(task);
        });
      running.add(task);
    }
    const nothingLeft = failed !== undefined || politeness.room() <= 0 || (exhausted && waiting === 0);
    if (running.size === 0 && (nothingLeft || signal.aborted)) break;
    const pause = new AbortController();
    await Promise.race([...running, sleep(LOOK_EVERY_MS, undefined, { signal: pause.signal }).catch(() => undefined)]);
    pause.abort();
  }
  throwIfAborted(signal);
  if (failed !== undefined) throw failed as Error;
}
