import { join } from 'node:path';
import type { CommonConfig } from './config.js';
import type { JobRunner } from './ports/job-runner.js';
import type { ObjectStore } from './ports/object-store.js';
import type { Queue } from './ports/queue.js';
import type { SignedAddresses } from './ports/signed-addresses.js';
import { createMetrics, type Metrics } from './telemetry/metrics.js';
import type { Logger } from './telemetry/log.js';
import { createJobStore, type JobStore } from './work/job-store.js';

/** The three engines that a service runs on; it can't tell which adapters they are. */
export interface Adapters {
  queue: Queue;
  store: ObjectStore;
  runner: JobRunner;
  /** Where the store can sign addresses. */
  signed?: SignedAddresses;
}

/** What every service is given at start. */
export interface Platform extends Adapters {
  config: CommonConfig;
  jobs: JobStore;
  log: Logger;
  metrics: Metrics;
  /** Folder for scratch files of running work. */
  scratch: string;
}

export function createPlatform(adapters: Adapters, config: CommonConfig, log: Logger): Platform {
  return {
    ...adapters,
    config,
    log,
    jobs: createJobStore(adapters.store, adapters.queue),
    metrics: createMetrics(),
    scratch: join(config.SOUNDSTAGE_HOME, 'scratch'),
  };
}
