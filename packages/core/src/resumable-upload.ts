import { SoundstageError } from './errors.js';

/** How requests of a resumable upload are made: by fetch, or in a browser such that progress can be seen. */
export interface ResumableTransport {
  /** Asks for a session at the signed address. Rejects when the line breaks. */
  open(): Promise<{ status: number; location: string | null }>;
  /** Sends the bytes from `start` to before `end`; none where they are equal, to ask how far it has come. */
  put(
    session: string,
    part: { contentRange: string; start: number; end: number },
  ): Promise<{ status: number; range: string | null }>;
}

export interface ResumableOptions {
  /** A multiple of 256 KiB. Default 8 MiB: small enough to lose little, large enough to be few. */
  chunkBytes?: number;
  /** How often in a row nothing gets on before it is given up. Default 8, about a minute. */
  tries?: number;
  /** The first pause after a break, which then grows, milliseconds. Default 500. */
  pauseMs?: number;
  signal?: AbortSignal | undefined;
}

const LONGEST_PAUSE_MS = 16_000;
/** The bytes are there already: an earlier try's answer was lost. */
const THERE_ALREADY = 412;

/**
 * Opens a session of an upload to a signed address.
 *
 * @returns its address; undefined where the bytes are there already
 * @throws UNAVAILABLE when the store can't be reached or doesn't answer; BAD_INPUT when it refuses the address
 */
export async function openSession(
  transport: Pick<ResumableTransport, 'open'>,
  { tries = 3, pauseMs = 500, signal }: ResumableOptions = {},
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    const answer = await transport.open().catch(brokenLine);
    throwAborted(signal);
    if (answer?.status === THERE_ALREADY) return undefined;
    if (answer && isGood(answer.status) && answer.location) return answer.location;
    if (answer && !isPassing(answer.status) && !isGood(answer.status)) throw refused(answer.status);
    if (attempt >= tries || (answer && isGood(answer.status))) {
      throw new SoundstageError('UNAVAILABLE', 'The store can’t be reached at the signed address.');
    }
    await pause(pauseMs * 2 ** attempt);
  }
}

/**
 * Sends all bytes to a session. Where it breaks, the store is asked how much it has, and it goes on from there.
 *
 * @throws UNAVAILABLE when nothing gets on any more; BAD_INPUT when the store refuses the bytes; CANCELLED
 */
export async function sendToSession(
  transport: Pick<ResumableTransport, 'put'>,
  session: string,
  sizeBytes: number,
  { chunkBytes = 8 * 2 ** 20, tries = 8, pauseMs = 500, signal }: ResumableOptions = {},
): Promise<void> {
  let at = 0;
  let failures = 0;
  let asking = false;
  while (true) {
    throwAborted(signal);
    const end = asking ? at : Math.min(at + chunkBytes, sizeBytes);
    const contentRange = asking ? `bytes */${sizeBytes}` : `bytes ${at}-${end - 1}/${sizeBytes}`;
    const answer = await transport.put(session, { contentRange, start: at, end }).catch(brokenLine);
    if (answer && (isGood(answer.status) || answer.status === THERE_ALREADY)) return;
    if (answer?.status === 308) {
      const stored = Number(/^bytes=0-(\d+)$/.exec(answer.range ?? '')?.[1] ?? -1) + 1;
      const asked = asking;
      asking = false;
      if (stored > at) failures = 0;
      const onward = stored > at;
      at = stored;
      // Standing where it stood is no news after a question: the break was counted when it came.
      if (onward || asked) continue;
    } else if (answer && !isPassing(answer.status)) {
      throw refused(answer.status);
    } else {
      asking = true;
    }
    throwAborted(signal);
    if (++failures >= tries) {
      throw new SoundstageError('UNAVAILABLE', 'The upload to the store broke off: send the file again.');
    }
    await pause(Math.min(LONGEST_PAUSE_MS, pauseMs * 2 ** failures));
  }
}

/** What a transport says in the words of the house is no broken line. */
function brokenLine(thrown: unknown): undefined {
  if (thrown instanceof SoundstageError) throw thrown;
}

const isGood = (status: number) => status >= 200 && status < 300;
const isPassing = (status: number) => status === 408 || status === 429 || status >= 500;

function refused(status: number): SoundstageError {
  return new SoundstageError(
    'BAD_INPUT',
    `The store refused the upload (${status}): the address may have expired, or the file changed.`,
  );
}

function throwAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new SoundstageError('CANCELLED', 'The upload was cancelled.');
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
