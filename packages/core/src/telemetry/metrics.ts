import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Queue, QueueStats } from '../ports/queue.js';

/** What Prometheus may ask a service. One set a process; names are in the words of the house. */
export interface Metrics {
  registry: Registry;
  /** Seconds of one step of a job. */
  stepSeconds: Histogram<'kind' | 'step'>;
  /** Pieces of work by how they ended: done, cached, failed, retried, dead, cancelled, disrupted. */
  workTotal: Counter<'kind' | 'outcome'>;
  /** Which attempt succeeded or failed for good. */
  workAttempts: Histogram<'kind'>;
  callSeconds: Histogram<'method' | 'code'>;
  /** Adds a queue's topic to what is reported: ready, delayed, leased, dead, oldest age. */
  watchQueue(queue: Queue, topic: string): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const watched: { queue: Queue; topic: string }[] = [];
  const eachQueue = async (tell: (topic: string, stats: QueueStats) => void): Promise<void> => {
    for (const { queue, topic } of watched) {
      // A queue that can't be asked now must not take the other metrics with it.
      const stats = await queue.stats(topic).catch(() => undefined);
      if (stats) tell(topic, stats);
    }
  };
  new Gauge({
    name: 'soundstage_queue_messages',
    help: 'Messages in a queue by state.',
    labelNames: ['topic', 'state'],
    registers,
    async collect() {
      await eachQueue((topic, stats) => {
        for (const state of ['ready', 'delayed', 'leased', 'dead'] as const) this.set({ topic, state }, stats[state]);
      });
    },
  });
  new Gauge({
    name: 'soundstage_queue_oldest_age_seconds',
    help: 'Age of the oldest message that waits to be done.',
    labelNames: ['topic'],
    registers,
    async collect() {
      await eachQueue((topic, { oldestReadyAgeS }) => this.set({ topic }, oldestReadyAgeS));
    },
  });
  return {
    registry,
    stepSeconds: new Histogram({
      name: 'soundstage_step_seconds',
      help: 'Time of one step of a job.',
      labelNames: ['kind', 'step'],
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000],
      registers,
    }),
    workTotal: new Counter({
      name: 'soundstage_work_total',
      help: 'Pieces of work by outcome.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    workAttempts: new Histogram({
      name: 'soundstage_work_attempts',
      help: 'Attempts that a piece of work took.',
      labelNames: ['kind'],
      buckets: [1, 2, 3, 4, 5, 10],
      registers,
    }),
    callSeconds: new Histogram({
      name: 'soundstage_call_seconds',
      help: 'Time of a gRPC call.',
      labelNames: ['method', 'code'],
      registers,
    }),
    watchQueue(queue, topic) {
      watched.push({ queue, topic });
    },
  };
}
