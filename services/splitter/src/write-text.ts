import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ObjectRef } from '@soundstage/contracts';
import { storeFile, type ObjectStore } from '@soundstage/core';

const PIECE_LENGTH = 65_536;

/** Stores a text that is made piece by piece, by way of a scratch file, so that it is never whole in memory. */
export async function storeText(
  store: ObjectStore,
  scratchPath: string,
  text: { key: string; mediaType: string; pieces: Iterable<string> | AsyncIterable<string> },
  signal: AbortSignal,
): Promise<ObjectRef> {
  await pipeline(Readable.from(inBlocks(text.pieces)), createWriteStream(scratchPath), { signal });
  try {
    return await storeFile(store, scratchPath, text.key, text.mediaType, signal);
  } finally {
    await rm(scratchPath, { force: true });
  }
}

async function* inBlocks(pieces: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  let block = '';
  for await (const piece of pieces) {
    block += piece;
    if (block.length < PIECE_LENGTH) continue;
    yield block;
    block = '';
  }
  if (block) yield block;
}
