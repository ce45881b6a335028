import type { Item } from '../item.js';
import { settle } from '../items.js';
import { memoryOf, slopeOf } from '../memory.js';
import { manyOf, sized, type Scenario } from '../scenario.js';
import type { Load } from '../items.js';

const MIB = 2 ** 20;
/** Jobs of each; a run of the full form may ask for fewer. The short form only shows that it can be measured. */
const jobsOf = (short: number) => Number(process.env.SOUNDSTAGE_CHAOS_JOBS || sized(short, 1000));
const COLLECTIONS = jobsOf(8);
const FOLEYS = jobsOf(3);
/** What a process may have grown by between the first tenth and the end. */
const GROWTH_LIMIT_BYTES = 64 * MIB;

function growthOf(
  service: 'collector' | 'inference',
  count: number,
  ask: (load: Load) => Promise<Item>,
): Pick<Scenario, 'play'>['play'] {
  // Caches are full and the engine is warm after so many.
  const warm = Math.ceil(count / 10);
  return async ({ world, load }) => {
    const { pid } = world.workers.find((worker) => worker.service === service)!.process;
    const points: { x: number; y: number }[] = [];
    let done = 0;
    const items = await manyOf(count, 6, async () => {
      const item = await ask(load);
      await settle(world, [item], 300_000);
      points.push({ x: ++done, y: memoryOf(pid, 'VmRSS') });
      return item;
    });
    const later = points.filter(({ x }) => x >= warm);
    /** The median of some samples in a row: a single one may come before or after a collection of garbage. */
    const about = (x: number) => {
      const near = later.filter((point) => Math.abs(point.x - x) <= Math.max(1, count / 20)).map(({ y }) => y);
      return near.sort((a, b) => a - b)[near.length >> 1]!;
    };
    const [early, late] = [about(warm + count / 20), about(count)];
    const notes = [
      `${service}: ${Math.round(early / MIB)} MiB after ${warm} jobs, ${Math.round(late / MIB)} after ${count}`,
      `${(slopeOf(later) / 1024).toFixed(1)} KiB a job`,
    ];
    // A handful of jobs still opens what the next ones use.
    if (count >= 100 && late - early > GROWTH_LIMIT_BYTES) throw new Error(`memory grows: ${notes.join(', ')}`);
    return { items, faults: 0, notes };
  };
}

const ALL = ['collector', 'preprocessor', 'feature-extractor', 'inference'] as const;

export const collectorGrowth: Scenario = {
  when: `a collector takes ${COLLECTIONS} clips: its memory doesn’t grow`,
  backends: ['local'],
  services: ALL,
  play: growthOf('collector', COLLECTIONS, (load) => load.collect({ sound: true, alone: true })),
};

export const inferenceGrowth: Scenario = {
  when: `inference does ${FOLEYS} foley jobs: its memory doesn’t grow`,
  backends: ['local'],
  services: ALL,
  play: growthOf('inference', FOLEYS, (load) => load.foley()),
};
