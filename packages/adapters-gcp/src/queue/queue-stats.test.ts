import { expect, test } from '@jest/globals';
import type { PubSubConnection } from './connection.js';
import { namesOf } from './names.js';
import { undeliveredMessages } from './queue-stats.js';

const connection = { projectId: 'stage', prefix: 'soundstage-', emulator: false } as PubSubConnection;
const topic = { connection, names: namesOf('foley', connection) };

/** An answer in the form of https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list */
const series = (subscription_id: string, ...values: string[]) => ({
  metric: { type: 'pubsub.googleapis.com/subscription/num_undelivered_messages' },
  resource: { type: 'pubsub_subscription', labels: { project_id: 'stage', subscription_id } },
  points: values.map((int64Value) => ({ interval: {}, value: { int64Value } })),
});

test('What waits is the newest point that Cloud Monitoring has for the subscription and its dead letters', async () => {
  const asked: string[] = [];
  const stats = await undeliveredMessages(topic, async (url) => {
    asked.push(decodeURIComponent(url.replaceAll('+', ' ')));
    return url.includes('oldest_unacked')
      ? { timeSeries: [series('soundstage-foley', '75', '15')] }
      : { timeSeries: [series('soundstage-foley.dead', '3'), series('soundstage-foley', '42', '40')] };
  });
  expect(stats).toEqual({ ready: 42, delayed: 0, leased: 0, dead: 3, oldestReadyAgeS: 75 });
  expect(asked[0]).toContain('/v3/projects/stage/timeSeries?');
  expect(asked[0]).toContain('one_of("soundstage-foley", "soundstage-foley.dead")');
});

test('A subscription that has no points yet has nothing waiting', async () => {
  expect(await undeliveredMessages(topic, async () => ({}))).toMatchObject({ ready: 0, dead: 0, oldestReadyAgeS: 0 });
});
