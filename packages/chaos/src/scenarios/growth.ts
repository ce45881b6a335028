import type { Item } from '../item.js';
import { settle } from '../items.js';
import { memoryOf, slopeOf } from '../memory.js';
import { manyOf, sized, type Scenario } from '../scenario.js';
import type { Load } from '../items.js';

const MIB = 2 ** 20;
/** Jobs of each kind; a run of the full form may ask for fewer. */
const JOBS = Number(process.env.SOUNDSTAGE_CHAOS_JOBS || sized(6, 1000));
/** Caches are full and the engine is warm after so many. */
const WARM = Math.ceil(JOBS / 10);
/** What a process may have grown by between the first tenth and the end. */
const GROWTH_LIMIT_BYTES = 64 * MIB;

function growthOf(
  service: 'collector' | 'inference',
  ask: (load: Load) => Promise<Item>,
): Pick<Scenario, 'play'>['play'] {
  return async ({ world, load }) => {
    const { pid } = world.workers.find((worker) => worker.service === service)!.process;
    const points: { x: number; y: number }[] = [];
    let done = 0;
    const items = await manyOf(JOBS, 6, async () => {
      const item = await ask(load);
      await settle(world, [item], 300_000);
      points.push({ x: ++done, y: memoryOf(pid, 'VmRSS') });
      return item;
    });
    const later = points.filter(({ x }) => x >= WARM);
    /** The median of some samples in a row: a single one may come before or after a collection of garbage. */
    const about = (x: number) => {
      const near = later.filter((point) => Math.abs(point.x - x) <= Math.max(1, JOBS / 20)).map(({ y }) => y);
      return near.sort((a, b) => a - b)[near.length >> 1]!;
    };
    const [early, late] = [about(WARM + JOBS / 20), about(JOBS)];
    const notes = [
      `${service}: ${Math.round(early / MIB)} MiB after ${WARM} jobs, ${Math.round(late / MIB)} after ${JOBS}`,
      `${(slopeOf(later) / 1024).toFixed(1)} KiB a job`,
    ];
    if (late - early > GROWTH_LIMIT_BYTES) throw new Error(`memory grows: ${notes.join(', ')}`);
    return { items, faults: 0, notes };
  };
}

const ALL = ['collector', 'preprocessor', 'feature-extractor', 'inference'] as const;

export const collectorGrowth: Scenario = {
  when: `a collector takes ${JOBS} clips: its memory doesn’t grow`,
  backends: ['local'],
  services: ALL,
  play: growthOf('collector', (load) => load.collect({ sound: true, alone: true })),
};

export const inferenceGrowth: Scenario = {
  when: `inference does ${JOBS} foley jobs: its memory doesn’t grow`,
  backends: ['local'],
  services: ALL,
  play: growthOf('inference', (load) => load.foley()),
};
