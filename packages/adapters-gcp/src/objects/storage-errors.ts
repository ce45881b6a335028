import { SoundstageError } from '@soundstage/core/errors';

/** An answer of Cloud Storage that is none. */
export class StorageHttpError extends Error {
  constructor(
    readonly status: number,
    readonly said: string,
    readonly retryAfterMs: number | undefined,
  ) {
    super(`HTTP ${status}: ${said}`);
  }

  static async of(response: Response): Promise<StorageHttpError> {
    const text = await response.text().catch(() => '');
    let said = text.slice(0, 300);
    try {
      said = (JSON.parse(text) as { error?: { message?: string } }).error?.message ?? said;
    } catch {
      // Not JSON: what a proxy says.
    }
    const retryAfterS = Number(response.headers.get('retry-after') ?? NaN);
    return new StorageHttpError(response.status, said, Number.isFinite(retryAfterS) ? retryAfterS * 1000 : undefined);
  }
}

/** Answers that may be others in a moment, https://cloud.google.com/storage/docs/retry-strategy */
export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** Turns what a call of Cloud Storage ended in into an error that says what to do. */
export function storageError(thrown: unknown, what: string, bucket: string): SoundstageError {
  if (thrown instanceof SoundstageError) return thrown;
  const options = { cause: thrown };
  if (!(thrown instanceof StorageHttpError)) {
    const cause = (thrown as Error).cause;
    const said = cause instanceof Error ? cause.message : (thrown as Error).message;
    return new SoundstageError(
      'UNAVAILABLE',
      `Cloud Storage can't be reached to ${what} (${said}): try again.`,
      options,
    );
  }
  const { status, said } = thrown;
  if (status === 401 || status === 403) {
    return new SoundstageError(
      'UNAVAILABLE',
      `Cloud Storage refused to ${what} in the bucket ${bucket} (${said}): give this service account the role that docs/gcp.md names.`,
      { ...options, retryable: false },
    );
  }
  if (status === 404) {
    return new SoundstageError(
      'UNAVAILABLE',
      `Cloud Storage has no bucket ${bucket} to ${what}: make it, or set SOUNDSTAGE_BUCKET to another.`,
      options,
    );
  }
  if (status === 429) {
    return new SoundstageError(
      'EXHAUSTED',
      `Cloud Storage is asked too much to ${what} (${said}): try later.`,
      options,
    );
  }
  return isPassingStatus(status)
    ? new SoundstageError('UNAVAILABLE', `Cloud Storage failed to ${what} (${thrown.message}): try again.`, options)
    : new SoundstageError('INTERNAL', `Cloud Storage refused to ${what} (${thrown.message}).`, {
        ...options,
        retryable: false,
      });
}
