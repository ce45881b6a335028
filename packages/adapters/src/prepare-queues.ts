import { readAdapterChoice } from './config.js';
import { createQueue } from './create-adapters.js';

/** What was done for one part of a queue. */
export interface Prepared {
  name: string;
  did: 'made' | 'mended' | 'nothing';
  /** Settings that were mended. */
  what?: string[];
}

/**
 * Makes what topics need, or mends it; to do it again changes nothing. A queue on this machine makes its topics by
 * their first use, so here it is only opened.
 *
 * @throws BAD_INPUT for a name or a wrong environment; CONFLICT for a subscription whose topic was deleted; UNAVAILABLE
 */
export async function prepareQueues(
  home: string,
  topics: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Prepared[]> {
  const choice = readAdapterChoice(env);
  if (choice.queue === 'pubsub') {
    const { initQueues } = await import('@soundstage/adapters-gcp');
    return initQueues(topics, choice.pubsub);
  }
  const queue = await createQueue(home, choice);
  try {
    for (const topic of topics) await queue.stats(topic);
  } finally {
    await queue.close();
  }
  return topics.map((name) => ({ name, did: 'nothing' }));
}
