import type { DeadLetter } from '@soundstage/core/ports';
import { seal, type Received } from './envelope.js';
import type { Topic } from './topic.js';

/** So many are looked through for the oldest. */
const LOOK_THROUGH = 10_000;
/** How long one call waits for letters, and how many that bring none tell that there are no more. */
const CALL_MS = 1200;
const EMPTY_CALLS = 2;

/**
 * Dead letters of a topic, oldest first. Pub/Sub can't be looked into: they are taken from the subscription and put
 * back, so who asks at the same moment may see fewer.
 */
export async function collectDeadLetters(
  topic: Topic,
  { replay, limit }: { replay: boolean; limit: number },
): Promise<DeadLetter[]> {
  const found = new Map<string, Received>();
  for (let empty = 0; empty < EMPTY_CALLS && found.size < Math.max(LOOK_THROUGH, limit);) {
    const letters = await topic.pullDead(1000, CALL_MS);
    empty = letters.length === 0 ? empty + 1 : 0;
    for (const letter of letters) found.set(letter.ackId, letter);
  }
  const all = [...found.values()].sort((a, b) => diedMs(a) - diedMs(b));
  const chosen = all.slice(0, limit);
  if (replay && chosen.length > 0) {
    await topic.publish(chosen.map(({ body, attributes }) => seal(body, attributes, { failures: 0 })));
    await topic.acknowledgeDead(chosen.map(({ ackId }) => ackId));
  }
  const kept = replay ? all.slice(limit) : all;
  if (kept.length > 0) await topic.releaseDead(kept.map(({ ackId }) => ackId));
  return chosen.map((letter) => ({
    id: letter.id,
    body: letter.body,
    attributes: letter.attributes,
    attempts: letter.state.failures,
    reason: letter.state.reason ?? 'No reason was given.',
    diedAt: new Date(diedMs(letter)),
  }));
}

const diedMs = ({ state, copiedMs }: Received) => state.diedMs ?? copiedMs;
