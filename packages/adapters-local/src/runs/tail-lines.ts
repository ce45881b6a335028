import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

/** Lines of a file that is still being written. */
export interface LineTail {
  /** The lines that came since the last call; with `ended`, also what stands after the last line break. */
  read(ended: boolean): AsyncIterable<string>;
  close(): Promise<void>;
}

const BLOCK_BYTES = 64 * 1024;
const LINE_MAX = 64 * 1024;

/** Follows a file that may not be there yet. Text is UTF-8; a carriage return at the end of a line is left out. */
export function tailLines(file: string): LineTail {
  let handle: FileHandle | undefined;
  let rest = '';
  const decoder = new StringDecoder('utf8');
  const block = Buffer.alloc(BLOCK_BYTES);

  return {
    async *read(ended) {
      handle ??= await open(file, 'r').catch(() => undefined);
      for (;;) {
        const { bytesRead } = (await handle?.read(block, 0, BLOCK_BYTES, null)) ?? { bytesRead: 0 };
        if (bytesRead === 0) break;
        const lines = (rest + decoder.write(block.subarray(0, bytesRead))).split('\n');
        rest = lines.pop()!;
        for (const line of lines) yield* parts(line.endsWith('\r') ? line.slice(0, -1) : line);
        // A line without an end, from a broken program, must not fill the memory.
        for (; rest.length >= LINE_MAX; rest = rest.slice(LINE_MAX)) yield rest.slice(0, LINE_MAX);
      }
      if (!ended) return;
      const last = rest + decoder.end();
      rest = '';
      if (last !== '') yield* parts(last);
    },
    async close() {
      await handle?.close();
      handle = undefined;
    },
  };
}

function* parts(line: string): Generator<string> {
  // An empty line is a line.
  for (let at = 0; at === 0 || at < line.length; at += LINE_MAX) yield line.slice(at, at + LINE_MAX);
}
