import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { badInput, SoundstageError } from '@soundstage/core';

/** A file that was opened for reading. Its descriptor, never its name, is handed to ffmpeg. */
export interface MediaFile {
  handle: FileHandle;
  /** The base name, fit to be shown in an error. */
  name: string;
  sizeBytes: number;
}

/**
 * Opens a plain file for reading. ffmpeg gets it as `/dev/fd/N`, so that a name with a leading dash, a colon, `%d`,
 * a newline or an extension that lies about the content can't mean anything to it.
 * Throws NOT_FOUND, or BAD_INPUT for folders, devices, pipes, unreadable, empty and too big files.
 */
export async function openMediaFile(path: string, maxBytes: number): Promise<MediaFile> {
  const name = shownName(path);
  let handle: FileHandle;
  try {
    // Opening a pipe would wait for its writer, so look before opening, and don't wait in any case.
    if (!(await stat(path)).isFile()) throw badInput(`${name} isn't a file.`, 'path');
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw openError(error, name);
  }
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw badInput(`${name} isn't a file.`, 'path');
    if (info.size === 0) throw badInput(`${name} is empty (0 bytes).`, 'path');
    if (info.size > maxBytes) {
      throw badInput(`${name} has ${info.size} bytes; the limit is ${maxBytes} bytes.`, 'path');
    }
    return { handle, name, sizeBytes: info.size };
  } catch (error) {
    await handle.close();
    throw SoundstageError.from(error);
  }
}

/** The base name of a path in one line, for errors. */
export function shownName(path: string): string {
  const clean = basename(path).replace(/[\u0000-\u001f\u007f]/g, ' ');
  return `“${clean.length > 120 ? `${clean.slice(0, 117)}…` : clean}”`;
}

function openError(error: unknown, name: string): SoundstageError {
  if (error instanceof SoundstageError) return error;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new SoundstageError('NOT_FOUND', `${name} doesn't exist.`, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return badInput(`${name} may not be read by this user.`, 'path', error);
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
    case 'ELOOP':
    case 'ENXIO':
      return badInput(`${name} isn't a name that can be opened.`, 'path', error);
    case 'EMFILE':
    case 'ENFILE':
      return new SoundstageError('EXHAUSTED', `${name} can't be opened: too many files are open.`, { cause: error });
    default:
      return SoundstageError.from(error);
  }
}
