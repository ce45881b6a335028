import { renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Item } from '../item.js';
import { settle } from '../items.js';
import { manyOf, sized, whileWorking, type Scenario } from '../scenario.js';

const PRELOAD = fileURLToPath(new URL('../clock-shift.js', import.meta.url));
const FILE = join(tmpdir(), `soundstage-clock-${process.pid}`);
const HOUR_MS = 3_600_000;

function setClock(shiftMs: number): void {
  writeFileSync(`${FILE}.new`, String(Math.round(shiftMs)));
  renameSync(`${FILE}.new`, FILE);
}

export const clockJumps: Scenario = {
  when: 'the machine’s clock jumps by hours, back and forth, while processes are killed',
  backends: ['local', 'google'],
  services: ['collector', 'preprocessor', 'feature-extractor'],
  env: { NODE_OPTIONS: `--import ${PRELOAD}`, SOUNDSTAGE_CHAOS_CLOCK: FILE },
  async play({ world, load, chance }) {
    const items: Item[] = [];
    setClock(HOUR_MS);
    const work = (async () => {
      await manyOf(sized(3, 40), 4, async () => items.push(await load.collect()));
      await settle(world, items, sized(30_000, 300_000));
    })();
    let ahead = true;
    const faults = await whileWorking(work, { chance, everyMs: sized(500, 2500) }, async () => {
      // Its leases are held by the clock of now, and must end by that of then.
      if (ahead || chance.share() < 0.3) {
        const worker = chance.pick(world.workers);
        await world.stop(worker, 'SIGKILL');
        ahead = false;
        setClock(chance.between(-2, 0) * HOUR_MS);
        await world.start(worker.service, worker.env);
      } else {
        ahead = true;
        setClock(chance.between(0.5, 2) * HOUR_MS);
      }
    });
    return { items, faults, notes: ['up to two hours'] };
  },
};
