import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { badInput, SoundstageError } from '@soundstage/core';
import { MOST_CUE_BYTES } from '@soundstage/cues';

/** The text of a cue sheet, and what it is called in messages. */
export interface CueFile {
  text: string;
  name: string;
}

/**
 * Reads the text of a cue sheet; `-` is standard input.
 *
 * Throws SoundstageError NOT_FOUND, or BAD_INPUT for what is no file, too long or not UTF-8.
 */
export async function readCueFile(path: string): Promise<CueFile> {
  if (path === '-')
    return { text: decoded(await collect(process.stdin, 'The cue sheet'), 'The cue sheet'), name: 'The cue sheet' };
  const name = basename(path);
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
      throw new SoundstageError('NOT_FOUND', `There is no cue sheet ${path}.`, { cause });
    throw badInput(`The cue sheet ${path} can't be read (${cause.code ?? cause.message}).`, 'cues', cause);
  });
  try {
    if ((await file.stat()).isDirectory()) throw badInput(`${path} is a folder: give a cue sheet.`, 'cues');
    return { text: decoded(await collect(file.createReadStream({ autoClose: false }), name), name), name };
  } finally {
    await file.close();
  }
}

async function collect(stream: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream) {
    bytes += part.length;
    if (bytes > MOST_CUE_BYTES)
      throw badInput(`${name} has more than ${MOST_CUE_BYTES} bytes, which is the limit of a cue sheet.`, 'cues');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function decoded(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badInput(`${name} is no text in UTF-8: give a cue sheet as --only cues writes it.`, 'cues', cause);
  }
}
