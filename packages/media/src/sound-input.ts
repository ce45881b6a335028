import { badInput } from '@soundstage/core';
import { guardOptions, type Target } from './command-line.js';
import type { MediaLimits } from './limits.js';
import { openMediaFile, type MediaFile } from './media-file.js';
import type { RunningProcess } from './process.js';

/** Sound that is made here: blocks of interleaved samples (±1 full scale), or the path of a sound file. */
export type SoundSource = string | PcmSource;

export interface PcmSource {
  blocks: AsyncIterable<Float32Array> | Iterable<Float32Array>;
  sampleRateHz: number;
  channels: 1 | 2;
}

/** A source as ffmpeg takes it: a file as descriptor `3 + position`, samples through standard input. */
export interface SoundInput {
  target: Target;
  file: MediaFile | undefined;
  /** Feeds the samples; ends when all are taken, or with the caller's error. */
  feed(child: RunningProcess): Promise<void>;
  close(): Promise<void>;
}

export async function openSound(source: SoundSource, position: number, limits: MediaLimits): Promise<SoundInput> {
  if (typeof source === 'string') {
    const file = await openMediaFile(source, limits.bytes);
    return {
      target: { options: guardOptions(limits), url: `file:/dev/fd/${3 + position}` },
      file,
      feed: async () => {},
      close: () => file.handle.close(),
    };
  }
  const { sampleRateHz, channels, blocks } = source;
  if (!(Number.isInteger(sampleRateHz) && sampleRateHz >= 1000 && sampleRateHz <= 384_000)) {
    throw badInput('sampleRateHz must be a whole number from 1000 to 384000.', 'sampleRateHz');
  }
  return {
    target: { options: ['-f', 'f32le', '-ar', String(sampleRateHz), '-ac', String(channels)], url: 'pipe:0' },
    file: undefined,
    feed: (child) => feedBlocks(blocks, child),
    close: async () => {},
  };
}

/** Writes blocks to standard input as fast as they are taken. Ends early without error when ffmpeg has enough. */
async function feedBlocks(blocks: PcmSource['blocks'], child: RunningProcess): Promise<void> {
  const stdin = child.stdin;
  if (stdin === undefined) throw new TypeError('the process has no standard input');
  let over = false;
  const closed = new Promise<void>((resolve) => {
    const settle = () => {
      over = true;
      resolve();
    };
    stdin.once('close', settle);
    stdin.once('error', settle);
    child.done.then(settle, settle);
  });
  for await (const block of blocks) {
    if (over) return;
    const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    const drained = new Promise<void>((resolve) => stdin.write(bytes, () => resolve()));
    await Promise.race([drained, closed]);
  }
  if (!over) stdin.end();
}
