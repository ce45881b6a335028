import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';

/** What a runtime wrote down of one write: a line, or a part of a long one without its line break. */
interface Entry {
  time: string;
  text: Buffer;
}

/** A container's log as runtimes write and the kubelet reads it. */
export interface ContainerLog {
  take(stream: Readable): void;
  close(): void;
  /** What was written before goes into another file, which is not read. */
  rotate(): void;
  /** As the API gives it, from `since` on; with `follow`, until the container has ended. */
  read(
    options: { timestamps: boolean; since: Date | undefined; follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<Buffer>;
}

/** containerd and CRI-O cut lines after so much. */
const ENTRY_MAX = 16 * 1024;
let sequence = 0;

export function createContainerLog(): ContainerLog {
  let entries: Entry[] = [];
  let rotated = 0;
  let closed = false;
  const events = new EventEmitter().setMaxListeners(0);
  const rests: (() => void)[] = [];

  function write(text: Buffer): void {
    // Nanoseconds of which Node knows none: a number that counts on.
    const time = new Date().toISOString().replace('Z', `${String((sequence += 7) % 1_000_000).padStart(6, '0')}Z`);
    entries.push({ time, text });
    events.emit('more');
  }

  return {
    take(stream) {
      let rest = Buffer.alloc(0);
      rests.push(() => rest.length > 0 && write(rest));
      stream.on('data', (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        for (;;) {
          const breakAt = rest.indexOf('\n');
          const upTo = breakAt >= 0 && breakAt < ENTRY_MAX ? breakAt + 1 : ENTRY_MAX;
          if (rest.length < upTo || (breakAt < 0 && rest.length < ENTRY_MAX)) break;
          write(rest.subarray(0, upTo));
          rest = rest.subarray(upTo);
        }
      });
    },
    close() {
      rests.forEach((flush) => flush());
      closed = true;
      events.emit('more');
    },
    rotate() {
      rotated += entries.length;
      entries = [];
    },
    async *read({ timestamps, since, follow }, signal) {
      // As in the kubelet's reader: a part of a line that goes on bears no time stamp, even if it comes first.
      let isNewLine = true;
      for (let at = rotated; ; at++) {
        at = Math.max(at, rotated);
        while (at - rotated >= entries.length) {
          if (closed || !follow || signal.aborted) return;
          const more = Promise.withResolvers<void>();
          const onMore = () => more.resolve();
          events.once('more', onMore);
          signal.addEventListener('abort', onMore, { once: true });
          await more.promise;
          events.off('more', onMore);
          signal.removeEventListener('abort', onMore);
          at = Math.max(at, rotated);
        }
        const { time, text } = entries[at - rotated]!;
        const begins = isNewLine;
        isNewLine = text.at(-1) === 0x0a;
        if (since && new Date(time.slice(0, 23) + 'Z') < since) continue;
        yield begins && timestamps ? Buffer.concat([Buffer.from(`${time} `), text]) : text;
      }
    },
  };
}
