import { SoundstageError } from '../errors.js';

const PART_BYTES = 1024 * 1024;

/** How much of a file is read at a time. Node's own 64 KiB cost a clip of some megabytes a hundred trips more. */
export const READ_BYTES = 512 * 1024;

/**
 * The body of a `put` in parts that are small enough to leave the event loop its turn. Ends at once when the signal is
 * aborted, even if the body never comes.
 *
 * @throws CANCELLED; what the body itself throws
 */
export async function* bodyParts(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!(Symbol.asyncIterator in body)) {
    yield* cut(body);
    return;
  }
  const iterator = body[Symbol.asyncIterator]();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(SoundstageError.from(signal?.reason));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  aborted.catch(() => undefined);
  let ended = false;
  try {
    for (;;) {
      const next = await (signal === undefined ? iterator.next() : Promise.race([iterator.next(), aborted]));
      if (next.done) {
        ended = true;
        return;
      }
      yield* cut(next.value);
    }
  } finally {
    if (onAbort) signal?.removeEventListener('abort', onAbort);
    // Not awaited: a body that never comes doesn't end either.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) yield bytes.subarray(at, at + PART_BYTES);
}
