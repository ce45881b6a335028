import { setTimeout as sleep } from 'node:timers/promises';
import type { Item } from '../item.js';
import { settle } from '../items.js';
import { manyOf, sized, whileWorking, type Scenario } from '../scenario.js';

const ALL = ['collector', 'preprocessor', 'feature-extractor', 'inference'] as const;

export const kills: Scenario = {
  when: 'any service is killed −9 at random points under load',
  backends: ['local', 'google'],
  services: ALL,
  async play({ world, load, chance }) {
    const items: Item[] = [];
    const work = (async () => {
      const foley = manyOf(sized(1, 10), 2, async () => items.push(await load.foley()));
      await manyOf(sized(5, 80), 4, async () => items.push(await load.collect()));
      await foley;
      await settle(world, items, sized(60_000, 900_000));
    })();
    const faults = await whileWorking(work, { chance, everyMs: sized(900, 2500) }, async () => {
      const worker = chance.pick(world.workers);
      await world.stop(worker, 'SIGKILL');
      await world.start(worker.service, worker.env);
    });
    return { items, faults, notes: [] };
  },
};

/** Those that the short form stops. */
const AT_WORK: readonly string[] = ['collector', 'inference'];
/** A spot node gives its pods 15 s. */
const STOP_WITHIN_MS = 15_000;

export const stops: Scenario = {
  when: 'services are stopped by SIGTERM under load',
  backends: ['local', 'google'],
  services: ALL,
  async play({ world, load, chance }) {
    const items: Item[] = [];
    let slowestMs = 0;
    const codes = new Set<number | null>();
    const rounds = sized(1, 6);
    let stopsMade = 0;
    for (let round = 0; round < rounds; round++) {
      await manyOf(sized(3, 10), 4, async () => items.push(await load.collect()));
      await manyOf(sized(1, 3), 3, async () => items.push(await load.foley()));
      await sleep(chance.between(0, sized(300, 3000)));
      const stopped = world.workers.filter(({ service }) => sized(AT_WORK.includes(service), true));
      const ends = await Promise.all(stopped.map((worker) => world.stop(worker, 'SIGTERM')));
      stopsMade += ends.length;
      for (const { code, tookMs } of ends) {
        codes.add(code);
        slowestMs = Math.max(slowestMs, tookMs);
      }
      await Promise.all(stopped.map(({ service, env }) => world.start(service, env)));
    }
    if (slowestMs > STOP_WITHIN_MS) throw new Error(`a service took ${slowestMs} ms to stop`);
    if ([...codes].some((code) => code !== 0)) throw new Error(`services ended with ${[...codes].join(', ')}`);
    await settle(world, items, sized(60_000, 600_000));
    const spent = items.flatMap(({ ends }) => [...ends.values()]).filter(({ attempt }) => attempt > 1);
    if (spent.length > 0) throw new Error(`a stop spent attempts of ${spent.map(({ id }) => id).join(', ')}`);
    return { items, faults: stopsMade, notes: [`slowest stop ${(slowestMs / 1000).toFixed(1)} s`] };
  },
};
