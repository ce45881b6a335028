import { SoundstageError } from '@soundstage/core/errors';
import type { QueueStats } from '@soundstage/core/ports';
import type { Topic } from './topic.js';

const MONITORING = 'https://monitoring.googleapis.com/v3';
/** Points come every minute and up to four minutes late. */
const LOOK_BACK_MS = 6 * 60_000;

interface TimeSeries {
  timeSeries?: {
    resource?: { labels?: { subscription_id?: string } };
    /** Newest first. */
    points?: { value?: { int64Value?: string; doubleValue?: number } }[];
  }[];
}

/** Asks for JSON with the credentials of the connection. */
export type AskJson = (url: string) => Promise<unknown>;

/**
 * What waits, from Cloud Monitoring, some minutes old: Pub/Sub itself doesn't tell. What is leased or delayed counts
 * as undelivered there, so it is among `ready` here; that is what autoscaling wants to know.
 *
 * @throws UNAVAILABLE with an emulator, which keeps no counts, and without the role `roles/monitoring.viewer`
 */
export async function undeliveredMessages(
  topic: Pick<Topic, 'connection' | 'names'>,
  ask: AskJson = askWith(topic),
): Promise<QueueStats> {
  const { connection, names } = topic;
  const [main, dead] = [names.mainSubscription, names.deadSubscription].map((name) => name.split('/').at(-1)!);
  const latest = async (metric: string) => {
    const nowMs = Date.now();
    const query = new URLSearchParams({
      filter: `metric.type = "pubsub.googleapis.com/subscription/${metric}" AND resource.labels.subscription_id = one_of("${main}", "${dead}")`,
      'interval.startTime': new Date(nowMs - LOOK_BACK_MS).toISOString(),
      'interval.endTime': new Date(nowMs).toISOString(),
    });
    const { timeSeries = [] } = (await ask(
      `${MONITORING}/projects/${connection.projectId}/timeSeries?${query.toString()}`,
    )) as TimeSeries;
    return new Map(
      timeSeries.map(({ resource, points }) => {
        const value = points?.[0]?.value;
        return [resource?.labels?.subscription_id, Number(value?.int64Value ?? value?.doubleValue ?? 0)];
      }),
    );
  };
  const [counts, ages] = await Promise.all([latest('num_undelivered_messages'), latest('oldest_unacked_message_age')]);
  return {
    ready: counts.get(main) ?? 0,
    delayed: 0,
    leased: 0,
    dead: counts.get(dead) ?? 0,
    oldestReadyAgeS: ages.get(main) ?? 0,
  };
}

function askWith({ connection }: Pick<Topic, 'connection'>): AskJson {
  return async (url) => {
    if (connection.emulator) {
      throw new SoundstageError('UNAVAILABLE', 'The Pub/Sub emulator keeps no counts: ask Google’s own Pub/Sub.', {
        retryable: false,
      });
    }
    try {
      const { data } = await connection.subscriber.auth.request({ url, retry: true, timeout: 10_000 });
      return data;
    } catch (cause) {
      throw new SoundstageError(
        'UNAVAILABLE',
        `Cloud Monitoring didn't tell what waits in ${connection.projectId} (${(cause as Error).message}): does the service account have roles/monitoring.viewer?`,
        { cause },
      );
    }
  };
}
