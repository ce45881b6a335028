import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { gcsServer, pubsubEmulator } from '@soundstage/adapters-gcp/testing';
import { longTests } from '@soundstage/core/contract-tests';
import { createLoad, settle } from './items.js';
import { account } from './ledger.js';
import { rowOf, writeReport, type Row } from './report.js';
import { sized, type Scenario } from './scenario.js';
import { manyClients, slowClients } from './scenarios/clients.js';
import { clockJumps } from './scenarios/clock.js';
import { diskFull, mountTiny, queueGone, storeFails } from './scenarios/engines.js';
import { collectorGrowth, inferenceGrowth } from './scenarios/growth.js';
import { disorder, poison } from './scenarios/messages.js';
import { kills, stops } from './scenarios/processes.js';
import { chanceOf } from './seeded.js';
import { openWorld, type Backend, type World } from './world.js';

/** Those that share processes stand beside each other. */
const SCENARIOS = [
  // What grows shows over a thousand jobs, not over a few; the others are left to the full form for their time.
  ...sized([], [collectorGrowth, inferenceGrowth, manyClients, slowClients, queueGone]),
  poison,
  disorder,
  stops,
  kills,
  ...sized([], [diskFull, clockJumps]),
  storeFails,
];
/** SOUNDSTAGE_CHAOS_ENGINES=google asks for these alone, in either form. */
const asked = process.env.SOUNDSTAGE_CHAOS_ENGINES?.split(';') as Backend[] | undefined;
const BACKENDS: Backend[] =
  asked ?? sized(['local', 'local queue, Cloud Storage'], ['local', 'local queue, Cloud Storage', 'google']);
const possible: Record<Backend, boolean> = {
  local: true,
  'local queue, Cloud Storage': gcsServer !== undefined,
  google: gcsServer !== undefined && pubsubEmulator !== undefined,
};
/** Generous, since a machine may be busy with other things: what takes longer counts as lost. */
const LIMIT_MS = sized(300_000, 900_000);

const rows: Row[] = [];
let report = 'nothing was run';
const startedMs = performance.now();
let open: { key: string; world: World; unmount: (() => void) | undefined } | undefined;

async function closeWorld(): Promise<void> {
  const closing = open;
  open = undefined;
  await closing?.world.close();
  closing?.unmount?.();
  if (closing?.unmount) rmSync(closing.world.home, { recursive: true, force: true });
}

/** The processes that a scenario asks for: those of the one before, where it asked for the same. */
async function worldOf({ services, env, diskMb }: Scenario, backend: Backend): Promise<World | undefined> {
  const key = JSON.stringify([backend, services, env, diskMb]);
  if (open?.key === key) return open.world;
  await closeWorld();
  const home = diskMb === undefined ? undefined : mkdtempSync(join(tmpdir(), 'soundstage-tiny-'));
  const unmount = home === undefined ? undefined : mountTiny(home, diskMb!);
  if (home && !unmount) {
    console.log('a full disk isn’t tested: mounting a small file system needs root');
    rmSync(home, { recursive: true });
    return undefined;
  }
  const world = await openWorld({ backend, services, ...(env && { env }), ...(home && { home }) });
  open = { key, world, unmount };
  return world;
}

afterAll(async () => {
  await closeWorld();
  console.log(report);
}, 60_000);

for (const backend of BACKENDS) {
  (possible[backend] ? describe : describe.skip)(
    `On ${backend}, every job ends once, as a result or a named failure,`,
    () => {
      for (const scenario of SCENARIOS.filter(({ backends }) => backends.includes(backend))) {
        test(`when ${scenario.when}`, async () => {
          const world = await worldOf(scenario, backend);
          if (!world) return;
          const name = `s${SCENARIOS.indexOf(scenario)}`;
          const before = [...world.items];
          const load = await createLoad(world, name);
          world.memory.begin();
          const { items, faults, notes } = await scenario.play({ world, load, chance: chanceOf(name) });
          // What a scenario before left open is followed, too: its jobs are no strangers.
          await settle(world, world.items, LIMIT_MS);
          world.memory.look();
          const others = world.items.filter((item) => !items.includes(item));
          const found = await account(world.witness, items, [...before, ...others]);
          rows.push(rowOf(scenario, backend, items, found, faults, world.memory.peak, notes));
          // After each, so that a run that is broken off leaves what it found.
          report = writeReport(rows, longTests ? 'full' : 'short', (performance.now() - startedMs) / 1000);
          expect(found).toMatchObject({ lost: [], doubled: [], otherwise: [] });
          expect(found.results + found.refusals).toBe(items.length);
        }, 3_600_000);
      }
    },
  );
}
