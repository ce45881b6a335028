import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '@soundstage/core/errors';
import { httpStatus, mayPass } from './api-errors.js';
import type { ApiClient } from './api-client.js';
import { createLineMemory, type LineMemory } from './line-memory.js';
import { createLogParser } from './log-lines.js';
import { chunksOf } from './quiet-stream.js';
import { CONTAINER } from './run-job.js';

export interface PodLogOptions {
  pod: string;
  /** Whether the container has ended: what it printed is then all there. */
  hasEnded: () => boolean;
  /** An answer that says nothing for so long is given up and taken up anew: a dead line says nothing either. */
  quietMs: number;
  /** After so long without a single answer it is given up. */
  retryMs: number;
  signal: AbortSignal;
}

const PAUSE_FIRST_MS = 100;
const PAUSE_LAST_MS = 5000;

/**
 * The lines of a pod's container from its first to its last, over as many answers as it takes. What the API no longer
 * has, of a pod that is gone or a log that was rotated away, is left out.
 *
 * @throws KubernetesHttpError, KubernetesLineError when it can't be had for too long; CANCELLED
 */
export async function* podLines(api: ApiClient, options: PodLogOptions): AsyncGenerator<string> {
  const { hasEnded, signal, retryMs } = options;
  const memory = createLineMemory();
  let pauseMs = PAUSE_FIRST_MS;
  let heardMs = performance.now();
  for (;;) {
    throwIfAborted(signal);
    // Asked before reading: what was printed before the end is then read for certain.
    const isLast = hasEnded();
    let minPauseMs = 0;
    try {
      const answer = await openLog(api, memory, options, !isLast);
      if (!isLast) heardMs = performance.now();
      for await (const line of newLines(api, answer, memory, options)) {
        pauseMs = PAUSE_FIRST_MS;
        yield line;
      }
      if (isLast) {
        yield* memory.rest();
        return;
      }
    } catch (thrown) {
      throwIfAborted(signal);
      if (httpStatus(thrown) === 404) return;
      // 400: the container hasn't started, or never did.
      const notThere = httpStatus(thrown) === 400;
      if (notThere && isLast) return;
      const verdict = notThere || mayPass(thrown);
      if (verdict === false || performance.now() - heardMs > retryMs) throw thrown;
      minPauseMs = Number(verdict === true ? 0 : verdict);
    }
    await sleep(Math.max(pauseMs, minPauseMs), undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, PAUSE_LAST_MS);
  }
}

function openLog(
  api: ApiClient,
  memory: LineMemory,
  { pod, signal }: PodLogOptions,
  follow: boolean,
): Promise<IncomingMessage> {
  const query = { container: CONTAINER, timestamps: true, follow, sinceTime: memory.again() };
  return api.open({ verb: 'get', resource: 'pods/log', name: pod }, { query, signal });
}

/** What is new in one answer. @throws KubernetesLineError when it broke off */
async function* newLines(
  api: ApiClient,
  answer: IncomingMessage,
  memory: LineMemory,
  { pod, hasEnded, quietMs }: PodLogOptions,
): AsyncGenerator<string> {
  const call = { verb: 'get', resource: 'pods/log', name: pod, namespace: api.namespace } as const;
  const decoder = new StringDecoder('utf8');
  const parse = createLogParser();
  // An answer that ought to end, since there is nothing more to say, is given less time.
  for await (const chunk of chunksOf(answer, call, () => (hasEnded() ? quietMs / 10 : quietMs))) {
    for (const piece of parse(decoder.write(chunk))) yield* memory.take(piece);
  }
}
