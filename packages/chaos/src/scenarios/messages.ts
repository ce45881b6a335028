import { setTimeout as sleep } from 'node:timers/promises';
import { JobState } from '@soundstage/contracts';
import type { Delivery } from '@soundstage/core';
import { until } from '@soundstage/core/testing';
import type { Item } from '../item.js';
import { settle } from '../items.js';
import { manyOf, sized, type Scenario } from '../scenario.js';

const ALL = ['collector', 'preprocessor', 'feature-extractor', 'inference'] as const;
const TOPICS = ['collection', 'preprocessing', 'featureExtraction'] as const;

export const poison: Scenario = {
  when: 'messages are poison: no JSON, no job, or work that kills whoever takes it up',
  backends: ['local', 'google'],
  services: ALL,
  async play({ world, load }) {
    const { queue, jobs } = world.witness;
    const bodies = ['no JSON', '{}', '{"jobId":"c00000000000000000000000"}', 'null', '{"jobId":{"a":1}}'];
    for (const topic of TOPICS)
      await queue.publish(
        topic,
        bodies.map((body) => ({ body })),
      );
    const items = await manyOf(sized(2, 20), 4, () => load.collect());
    let faults = bodies.length * TOPICS.length;
    const notes: string[] = [];
    if (sized(false, world.backend === 'local')) {
      // Whoever takes this one up is killed, until the queue gives it up.
      const [killer, kills] = [await load.collect({ expected: 'either', sound: true }), { count: 0 }];
      items.push(killer);
      const [id] = killer.jobs;
      let killedAtMs = 0;
      while (kills.count < 30) {
        const { state, updateTime } = await jobs.get(id!);
        if (state === JobState.SUCCEEDED || state === JobState.FAILED) break;
        // Its record says so still when the worker is dead: only a newer one tells of the next to take it up.
        if (state !== JobState.RUNNING || updateTime!.getTime() <= killedAtMs) {
          await sleep(20);
          continue;
        }
        killedAtMs = updateTime!.getTime();
        for (const worker of world.workers.filter(({ service }) => service === 'collector')) {
          await world.stop(worker, 'SIGKILL');
          await world.start('collector', worker.env);
          kills.count++;
        }
      }
      faults += kills.count;
      notes.push(`${kills.count} workers died of one message`);
    }
    await settle(world, items, sized(60_000, 300_000));
    // What can't be work is put aside with a reason, and stands in nobody's way.
    const dead = async () => (await Promise.all(TOPICS.map((topic) => queue.deadLetters(topic)))).flat();
    await until(async () => (await dead()).length >= bodies.length * TOPICS.length, sized(20_000, 120_000));
    const nameless = (await dead()).filter(({ reason }) => reason === '');
    if (nameless.length > 0) throw new Error(`${nameless.length} dead letters have no reason`);
    return { items, faults, notes };
  },
};

export const disorder: Scenario = {
  when: 'deliveries come twice, late and in another order',
  backends: ['local', 'google'],
  services: ALL,
  async play({ world, load, chance }) {
    const { queue } = world.witness;
    let faults = 0;
    // Nobody works while requests come in: fronts alone answer.
    const workers = world.workers.filter(({ service }) => sized(service === 'collector', true));
    await Promise.all(workers.map((worker) => world.stop(worker, 'SIGTERM')));
    const front = await world.start('collector', { SOUNDSTAGE_ROLE: 'front' });
    const items: Item[] = await manyOf(sized(3, 40), 4, () => load.collect());
    await world.stop(front, 'SIGTERM');
    const held: Delivery[] = [];
    /** Each once: Pub/Sub may bring one again. */
    const bodies = () => [...new Set(held.map(({ body }) => body))];
    // Pub/Sub gives a worker that was just stopped its messages for as long as its last lease.
    const limitMs = sized(90_000, 300_000);
    await until(async () => {
      held.push(...(await queue.pull('collection', { max: 100, leaseMs: 60_000, waitMs: 500 })));
      return bodies().length >= items.length;
    }, limitMs);
    /** Everything once more, and some of it twice more, in any order, some of it late. */
    const again = (bodies: readonly string[]) => {
      const copies = chance.shuffled(
        bodies.flatMap((body) => (chance.share() < 0.5 ? [body, body] : [body, body, body])),
      );
      faults += copies.length - bodies.length;
      return copies.map((body) => ({ body, delayMs: chance.share() < 0.5 ? 0 : chance.between(1, sized(1500, 8000)) }));
    };
    await queue.publish('collection', again(bodies()));
    await Promise.all(held.map((delivery) => delivery.ack()));
    // Two of each, so that one message can be with two at once.
    const both = [...workers, ...workers.filter(({ service }) => service !== 'inference')];
    await Promise.all(both.map(({ service, env }) => world.start(service, env)));
    await settle(world, items, sized(60_000, 300_000));
    // Once all is done, each message comes once more, for whatever job.
    for (const topic of TOPICS) {
      const at = TOPICS.indexOf(topic);
      const bodies = items.flatMap(({ jobs }) => (jobs[at] ? [JSON.stringify({ jobId: jobs[at] })] : []));
      await queue.publish(
        topic,
        again(bodies).map(({ body }) => ({ body })),
      );
    }
    await untilDrained(world.witness.queue);
    return { items, faults, notes: [] };
  },
};

/** Waits until nothing waits or is held; Pub/Sub can't tell, so there one waits a moment. */
async function untilDrained(queue: {
  stats(topic: string): Promise<{ ready: number; delayed: number; leased: number }>;
}) {
  await until(async () => {
    const all = await Promise.all(TOPICS.map((topic) => queue.stats(topic).catch(() => undefined)));
    return all.every((stats) => !stats || stats.ready + stats.delayed + stats.leased === 0);
  }, 60_000);
}
