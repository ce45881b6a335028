import { SoundstageError } from '@soundstage/core/errors';

// Primary result codes, https://www.sqlite.org/rescode.html
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
// Extended codes: the shared-memory file of the write-ahead log couldn't grow, which on a full disk is the same thing.
const IOERR_SHMSIZE = 4874;
const IOERR_SHMMAP = 5386;

function resultCode(thrown: unknown): number | undefined {
  const code = (thrown as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code : undefined;
}

/** Whether another connection holds the lock, so that the same call may work in a moment. */
export function isBusy(thrown: unknown): boolean {
  const code = (resultCode(thrown) ?? 0) & 0xff;
  return code === BUSY || code === LOCKED;
}

/** Turns an error of `node:sqlite` into one that names the file and says what to do. */
export function sqliteError(thrown: unknown, file: string): SoundstageError {
  const code = resultCode(thrown);
  if (code === undefined) return SoundstageError.from(thrown);
  const options = { cause: thrown };
  if (code === IOERR_SHMSIZE || code === IOERR_SHMMAP) return diskFull(file, thrown);
  switch (code & 0xff) {
    case FULL:
      return diskFull(file, thrown);
    case BUSY:
    case LOCKED:
      return new SoundstageError('UNAVAILABLE', `${file} is held by another process: try again in a moment.`, options);
    case READONLY:
    case CANTOPEN:
      return new SoundstageError(
        'UNAVAILABLE',
        `${file} can't be opened for writing: check that its folder exists and its permissions.`,
        options,
      );
    case CORRUPT:
    case NOTADB:
      return new SoundstageError(
        'INTERNAL',
        `${file} is damaged or isn't ours: move it away to start with an empty one.`,
        {
          ...options,
          retryable: false,
        },
      );
    default:
      return new SoundstageError('INTERNAL', `SQLite failed on ${file}: ${(thrown as Error).message}.`, options);
  }
}

/** The disk, or the quota on it, is full. */
export function diskFull(path: string, cause?: unknown): SoundstageError {
  return new SoundstageError('EXHAUSTED', `There is no space left for ${path}: free some space and try again.`, {
    cause,
  });
}
