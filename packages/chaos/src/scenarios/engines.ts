import { execFileSync } from 'node:child_process';
import { statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '@soundstage/adapters-gcp/testing';
import type { Item } from '../item.js';
import { settle } from '../items.js';
import { manyOf, sized, type Scenario } from '../scenario.js';

const THREE = ['collector', 'preprocessor', 'feature-extractor'] as const;
const ALL = [...THREE, 'inference'] as const;

export const queueGone: Scenario = {
  when: `the queue’s backend is gone for ${sized('seconds', 'a minute')} in the middle of work`,
  backends: ['local', 'google'],
  services: ALL,
  async play({ world, load }) {
    const items: Item[] = [];
    await manyOf(sized(2, 40), 4, async () => items.push(await load.collect()));
    await sleep(300);
    const back = world.line ? cutLine(world.line) : lockQueue(join(world.home, 'queue.sqlite'));
    // Whoever asks meanwhile asks again until it is there.
    const asking = manyOf(sized(1, 10), 2, async () => items.push(await load.collect()));
    await sleep(sized(2000, 60_000));
    back();
    await asking;
    return { items, faults: 1, notes: [world.line ? 'line cut' : 'file locked'] };
  },
};

function cutLine(line: { cut(): void; mend(): void }): () => void {
  line.cut();
  return () => line.mend();
}

/** Keeps the queue's file to itself, as a backup program that hangs would. */
function lockQueue(file: string): () => void {
  const database = new DatabaseSync(file, { timeout: 20_000 });
  database.exec('BEGIN EXCLUSIVE');
  return () => {
    database.exec('ROLLBACK');
    database.close();
  };
}

export const storeFails: Scenario = {
  when: 'the object store answers 429, 500 and 503, hangs, and loses answers',
  backends: ['local queue, Cloud Storage', 'google'],
  services: THREE,
  async play({ world, load, chance }) {
    const proxy = world.proxy!;
    const before = proxy.faults;
    const share = 0.12;
    const kinds: (() => Fault)[] = [
      () => ({ kind: 'answer', status: 429, retryAfterS: 1 }),
      () => ({ kind: 'answer', status: 500 }),
      () => ({ kind: 'answer', status: 503 }),
      () => ({ kind: 'cut' }),
      () => ({ kind: 'lose' }),
      () => ({ kind: 'hang', ms: sized(1000, 20_000) }),
    ];
    proxy.plan = () => (chance.share() < share ? chance.pick(kinds)() : undefined);
    const items = await manyOf(sized(2, 40), 4, () => load.collect());
    await settle(world, items, sized(60_000, 900_000));
    proxy.plan = () => undefined;
    return { items, faults: proxy.faults - before, notes: [`${share * 100} % of all requests`] };
  },
};

export const diskFull: Scenario = {
  when: 'the disk is full for a while',
  backends: ['local'],
  services: ['collector', 'preprocessor', 'feature-extractor'],
  diskMb: 24,
  async play({ world, load }) {
    const items: Item[] = [];
    await manyOf(sized(2, 20), 4, async () => items.push(await load.collect({ expected: 'either' })));
    const free = fill(world.home);
    // Requests made now can't be kept: who asks is told, and asks again.
    const asking = manyOf(sized(1, 5), 2, async () => items.push(await load.collect({ expected: 'either' })));
    asking.catch(() => undefined);
    await sleep(sized(1500, 20_000));
    free();
    await asking;
    return { items, faults: 1, notes: [] };
  },
};

/** Takes all the space that is left. @returns how to give it back */
function fill(folder: string): () => void {
  const file = join(folder, 'ballast');
  for (let sizeBytes = 1 << 20; sizeBytes >= 4096;) {
    const { bfree, bsize } = statfsSync(folder);
    if (bfree * bsize < sizeBytes) sizeBytes /= 2;
    else writeFileSync(file, Buffer.alloc(sizeBytes, 1), { flag: 'a' });
  }
  return () => unlinkSync(file);
}

/** A file system of a few megabytes, or undefined where mounting isn't allowed. */
export function mountTiny(folder: string, sizeMb: number): (() => void) | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return () => execFileSync('umount', ['--lazy', folder]);
}
