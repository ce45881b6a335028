import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import { SoundstageError } from '@soundstage/core';
import { jobToJson } from './job-json.js';
import { toProblem } from './problems.js';
import { messages, traceMetadata, type Upstream } from './upstream.js';

export interface EventOptions {
  /** Comments so often keep proxies and socket time-outs from ending a quiet stream. */
  heartbeatMs: number;
  /** Aborts when the gateway closes. */
  closing: AbortSignal;
}

/**
 * A job's changes as server-sent events, until it ends. Each event carries the whole job, so a client that comes back
 * (with or without Last-Event-ID) misses nothing.
 */
export async function sendEvents(
  upstream: Upstream,
  jobId: string,
  instance: string,
  reply: FastifyReply,
  { heartbeatMs, closing }: EventOptions,
): Promise<FastifyReply> {
  const gone = new AbortController();
  const { raw } = reply;
  raw.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  const call = upstream.jobs.watchJob({ jobId }, traceMetadata());
  const changes = messages(call, signal);
  const first = await changes.next(); // what can't be followed is told as an HTTP error

  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const send = async (lines: string) => {
    if (!raw.writableEnded && !raw.destroyed && !raw.write(lines)) await once(raw, 'drain', { signal });
  };
  const heartbeat = setInterval(() => void send(': still there\n\n').catch(() => undefined), heartbeatMs);
  try {
    await send('retry: 2000\n\n');
    let id = 0;
    for (let next = first; !next.done; next = await changes.next()) {
      if (!next.value.job) continue;
      await send(`id: ${++id}\nevent: job\ndata: ${JSON.stringify(jobToJson(next.value.job))}\n\n`);
    }
  } catch (error) {
    if (!gone.signal.aborted) {
      const told = closing.aborted
        ? new SoundstageError('UNAVAILABLE', 'The server is stopping: the job goes on, look again in a moment.')
        : error;
      raw.write(`event: problem\ndata: ${JSON.stringify(toProblem(told, instance))}\n\n`);
    }
  } finally {
    clearInterval(heartbeat);
    await changes.return();
    raw.end();
  }
  return reply;
}
