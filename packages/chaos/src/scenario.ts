import { setTimeout as sleep } from 'node:timers/promises';
import { longTests } from '@soundstage/core/contract-tests';
import type { Item } from './item.js';
import type { Load } from './items.js';
import type { Chance } from './seeded.js';
import type { Backend, World, WorldOptions } from './world.js';

/** What a scenario works with. */
export interface Scene {
  world: World;
  load: Load;
  chance: Chance;
}

/** What a scenario did, before its items have settled. */
export interface Played {
  items: Item[];
  /** How often something was done to the services that shouldn't happen. */
  faults: number;
  /** What else was seen, for the table. */
  notes: string[];
}

export interface Scenario {
  /** A sentence of the product: "no job is lost or doubled when …". */
  when: string;
  backends: readonly Backend[];
  /** Which processes it runs on. Scenarios that ask for the same share them, one after the other. */
  services: WorldOptions['services'];
  env?: Record<string, string>;
  /** A small file system of this size as the home. */
  diskMb?: number;
  play(scene: Scene): Promise<Played>;
}

/** One number for the short form, which is part of the test suite, another for the full one. */
export const sized = <T>(short: T, full: T): T => (longTests ? full : short);

/** Starts `count` tasks, `atATime` of them side by side. @returns what they gave, in order */
export async function manyOf<T>(count: number, atATime: number, task: (n: number) => Promise<T>): Promise<T[]> {
  const given: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next++;
      given[n] = await task(n);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, count) }, lane));
  return given;
}

/** Does something again and again at moments that chance chooses, until the work is over. @returns how often */
export async function whileWorking(
  work: Promise<unknown>,
  { chance, everyMs }: { chance: Chance; everyMs: number },
  disturb: () => Promise<unknown>,
): Promise<number> {
  let over = false;
  const ended = work.finally(() => (over = true));
  let times = 0;
  for (;;) {
    await Promise.race([ended.catch(() => undefined), sleep(everyMs * chance.between(0.3, 1.7))]);
    if (over) break;
    await disturb();
    times++;
  }
  await ended;
  return times;
}
