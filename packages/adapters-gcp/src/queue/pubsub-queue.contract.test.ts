import { test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { queueContract } from '@soundstage/core/contract-tests';
import { pubsubEmulator, startPubSubEmulator } from '../testing/pubsub-emulator.js';
import { createPubSubQueue } from './pubsub-queue.js';

if (pubsubEmulator) {
  queueContract('Google Pub/Sub (its emulator)', async () => {
    const emulator = await startPubSubEmulator();
    const options = { projectId: 'contract', endpoint: emulator.address, maxAttempts: 3 };
    const [queue, other] = [createPubSubQueue(options), createPubSubQueue(options)];
    return {
      queue,
      other,
      maxAttempts: 3,
      leaseMs: 2000,
      pass: (ms) => sleep(ms),
      movesClock: false,
      ordered: false,
      tellsStale: true,
      exactStats: false,
      settleMs: 500,
      close: async () => {
        await Promise.all([queue.close(), other.close()]);
        await emulator.kill();
      },
    };
  });
} else {
  console.log('The contract of the queue on Pub/Sub is skipped: the emulator of the Google Cloud SDK isn’t installed');
  test.skip('Google Pub/Sub (its emulator), as a queue', () => undefined);
}
