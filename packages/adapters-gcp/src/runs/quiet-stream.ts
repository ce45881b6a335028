import type { IncomingMessage } from 'node:http';
import { KubernetesLineError, type ApiCall } from './api-errors.js';

/**
 * The chunks of an answer that goes on, to its end.
 *
 * @param quietMs asked again and again: an answer that says nothing for so long is taken for dead
 * @throws KubernetesLineError when it broke off or went quiet
 */
export async function* chunksOf(answer: IncomingMessage, call: ApiCall, quietMs: () => number): AsyncGenerator<Buffer> {
  let waitsSinceMs: number | undefined = performance.now();
  let quiet = false;
  const looking = setInterval(
    () => {
      // The consumer may take its time: that isn't the line's silence.
      if (waitsSinceMs === undefined || performance.now() - waitsSinceMs < quietMs()) return;
      quiet = true;
      answer.destroy();
    },
    Math.min(1000, quietMs() / 20),
  );
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      waitsSinceMs = undefined;
      yield chunk;
      waitsSinceMs = performance.now();
    }
  } catch (thrown) {
    throw new KubernetesLineError(call, quiet ? 'nothing came any more' : (thrown as Error).message, { cause: thrown });
  } finally {
    clearInterval(looking);
    answer.destroy();
  }
  if (quiet) throw new KubernetesLineError(call, 'nothing came any more');
}
