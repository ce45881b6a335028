import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SoundstageError, throwIfAborted } from '@soundstage/core';
import { refuse } from '../refusal.js';
import { checkUrl, readUrl, type Reach } from './check-url.js';
import { checkContentType, decoderOf } from './content.js';
import { requestOnce } from './request-once.js';
import { refusedStatus } from './status.js';

/** Limits of one fetch; each that is broken is named in the refusal. */
export interface FetchLimits {
  /** Bytes of the content, decoded. */
  bytes: number;
  redirects: number;
  /** From the first look-up to the last byte. */
  totalS: number;
  /** Until the connection stands and the answer's headers are there. */
  headersS: number;
  /** The content must bring `minBytesPerS` on average over each span of this length. */
  stallS: number;
  minBytesPerS: number;
}

export const DEFAULT_FETCH_LIMITS: Readonly<FetchLimits> = {
  bytes: 8 * 2 ** 30,
  redirects: 5,
  totalS: 1800,
  headersS: 30,
  stallS: 30,
  minBytesPerS: 1024,
};

export interface Fetched {
  sha256: string;
  sizeBytes: number;
  /** Where the redirects led. */
  finalUrl: string;
}

/** Content that is compressed may grow so much beyond this many bytes: media hardly shrinks, a bomb shrinks 1,000 times. */
const GROWTH = { free: 2 ** 20, times: 50 };

/**
 * Fetches a file over http or https from the public internet. Each address that is connected to was checked before, at
 * the beginning and after each redirect; nothing is sent but the request (no cookies, no credentials, no proxy).
 *
 * @param path is made; what is there on failure is worthless
 * @throws a refusal by name (`private_address`, `too_large`, `http_404`, `rate_limited`, …), CANCELLED, EXHAUSTED
 */
export async function fetchUrl(
  text: string,
  path: string,
  options: { reach: Reach; limits?: Partial<FetchLimits>; signal?: AbortSignal },
): Promise<Fetched> {
  const limits = { ...DEFAULT_FETCH_LIMITS, ...options.limits };
  const { reach } = options;
  const late = AbortSignal.timeout(limits.totalS * 1000);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  try {
    let url = readUrl(text);
    for (let hops = 0; ; hops++) {
      const checked = await checkUrl(url, reach, signal);
      const response = await requestOnce(checked, { headersS: limits.headersS, signal });
      try {
        const next = redirectOf(response, url);
        if (next === undefined) {
          refusedStatus(response, url);
          return { ...(await receive(response, url, path, limits, signal)), finalUrl: url.href };
        }
        if (hops >= limits.redirects) {
          throw refuse(
            'too_many_redirects',
            `${shown(text)} redirects more than ${limits.redirects} times, last to ${url.host}.`,
          );
        }
        url = next;
      } finally {
        response.destroy();
      }
    }
  } catch (error) {
    throwIfAborted(options.signal);
    if (!late.aborted) throw error;
    throw refuse('too_slow', `${shown(text)} took longer than the limit of ${limits.totalS} s.`, { cause: error });
  }
}

const shown = (url: string) => (URL.canParse(url) ? new URL(url).host : JSON.stringify(url.slice(0, 100)));

function redirectOf({ statusCode, headers }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode ?? 0)) return undefined;
  if (headers.location === undefined) {
    throw refuse('bad_redirect', `${from.host} redirects (${statusCode}) without telling where to.`);
  }
  return readUrl(headers.location, from);
}

/** Writes the content to a file, counting, hashing and timing it on the way. */
async function receive(
  response: IncomingMessage,
  url: URL,
  path: string,
  limits: FetchLimits,
  signal: AbortSignal,
): Promise<{ sha256: string; sizeBytes: number }> {
  checkContentType(response.headers['content-type'], url);
  const decoder = decoderOf(response.headers['content-encoding'], url);
  const tooLarge = (bytes: string) =>
    refuse('too_large', `${url.host} sends ${bytes} bytes; the limit is ${limits.bytes}.`);
  const announced = Number(response.headers['content-length'] ?? 0);
  if (announced > limits.bytes) throw tooLarge(String(announced));

  const hash = createHash('sha256');
  let rawBytes = 0;
  let sizeBytes = 0;
  const countRaw = new Transform({
    transform(block: Buffer, _encoding, done) {
      rawBytes += block.length;
      done(null, block);
    },
  });
  const count = new Transform({
    transform(block: Buffer, _encoding, done) {
      sizeBytes += block.length;
      if (sizeBytes > limits.bytes) return done(tooLarge(`more than ${limits.bytes}`));
      if (decoder && sizeBytes > GROWTH.free + GROWTH.times * rawBytes) {
        return done(
          refuse('bad_encoding', `${url.host} sends content that unpacks to more than ${GROWTH.times} times its size.`),
        );
      }
      hash.update(block);
      done(null, block);
    },
  });
  // One clock for silence and for a trickle.
  const stalled = new AbortController();
  let before = 0;
  const clock = setInterval(() => {
    if (rawBytes - before < limits.minBytesPerS * limits.stallS) stalled.abort();
    before = rawBytes;
  }, limits.stallS * 1000);
  try {
    const steps = [countRaw, ...(decoder ? [decoder] : []), count];
    // `pipeline` waits for every stream to close, which an answer that has ended already may never do.
    const failed = new Promise<never>((_, reject) => {
      for (const step of steps) step.once('error', reject);
    });
    const streams = [response, ...steps, createWriteStream(path, { flags: 'wx' })];
    const whole = pipeline(streams, { signal: AbortSignal.any([signal, stalled.signal]) });
    await Promise.race([whole, failed]);
  } catch (error) {
    if (stalled.signal.aborted && !signal.aborted) {
      throw refuse(
        'too_slow',
        `${url.host} sent less than ${limits.minBytesPerS} bytes a second over ${limits.stallS} s.`,
        { cause: error },
      );
    }
    throw receptionError(error, url);
  } finally {
    clearInterval(clock);
  }
  if (sizeBytes === 0) throw refuse('unreadable', `${url.host} sent an empty file (0 bytes).`);
  return { sha256: hash.digest('hex'), sizeBytes };
}

function receptionError(error: unknown, url: URL): SoundstageError {
  if (error instanceof SoundstageError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE' || code.startsWith('ERR_BROTLI')) {
    return refuse('bad_encoding', `${url.host} sends content that can't be unpacked.`, { cause: error });
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
    return refuse('cut_off', `${url.host} ended the connection before the file was whole.`, { cause: error });
  }
  if (code.startsWith('HPE_')) {
    return refuse('bad_response', `${url.host} answers in a way that isn't HTTP.`, { cause: error });
  }
  return SoundstageError.from(error);
}
