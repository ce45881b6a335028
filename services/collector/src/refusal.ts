import { SoundstageError } from '@soundstage/core';

/**
 * Why a clip isn't taken, by name, and what follows from it: `final`, it will be the same every time; `later`, another
 * run may try; `retry`, this one tries again by itself.
 */
const REFUSALS = {
  // the list
  bad_line: 'final',
  bad_url: 'final',
  // the fetcher
  private_address: 'final',
  port_refused: 'final',
  host_unknown: 'later',
  unreachable: 'retry',
  tls: 'later',
  too_many_redirects: 'final',
  bad_redirect: 'final',
  http_error: 'final',
  http_server_error: 'retry',
  rate_limited: 'retry',
  pause_too_long: 'later',
  wrong_content_type: 'final',
  bad_encoding: 'final',
  bad_response: 'later',
  too_large: 'final',
  too_slow: 'later',
  cut_off: 'retry',
  // the downloader
  video_unavailable: 'final',
  video_private: 'final',
  video_removed: 'final',
  video_age_restricted: 'final',
  video_geo_blocked: 'final',
  video_not_yet: 'later',
  no_format: 'final',
  no_such_part: 'final',
  login_asked: 'later',
  downloader_missing: 'later',
  downloader_failed: 'retry',
  // the clip
  missing: 'final',
  not_a_file: 'final',
  outside_folder: 'final',
  unreadable: 'final',
  // the work
  time_limit: 'later',
  cancelled: 'later',
  failed: 'later',
} as const;

type RefusalName = keyof typeof REFUSALS;

/**
 * An error that carries its refusal's name. Where an HTTP status is given, the name tells it: `http_404`.
 *
 * @param name one of the names above
 * @param sentence says what was refused, with the limit where there is one
 */
export function refuse(
  name: RefusalName,
  sentence: string,
  options: { status?: number; retryAfterMs?: number | undefined; cause?: unknown } = {},
): SoundstageError {
  const follows = REFUSALS[name];
  return new SoundstageError(follows === 'final' ? 'BAD_INPUT' : 'UNAVAILABLE', sentence, {
    cause: options.cause,
    retryable: follows === 'retry',
    ...(options.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs }),
    violations: [
      { field: 'refusal', description: options.status === undefined ? name : `http_${options.status}` },
      { field: 'refusal_follows', description: follows },
    ],
  });
}

/** A refusal as it is noted and reported. */
export interface Refusal {
  /** A name of the list above, or `http_404` and the like. */
  reason: string;
  message: string;
  /** True when it will be the same every time. */
  final: boolean;
}

/** What any error means as a refusal; bad input that has no name of its own is an unreadable clip. */
export function refusalOf(thrown: unknown): Refusal {
  const error = SoundstageError.from(thrown);
  const named = (field: string) => error.violations.find((violation) => violation.field === field)?.description;
  const reason = named('refusal');
  if (reason !== undefined) return { reason, message: error.message, final: named('refusal_follows') === 'final' };
  const { message } = error;
  if (error.reason === 'BAD_INPUT') return { reason: 'unreadable', message, final: true };
  if (error.reason === 'CANCELLED') return { reason: 'cancelled', message, final: false };
  if (error.reason === 'DEADLINE_EXCEEDED') return { reason: 'time_limit', message, final: false };
  return { reason: 'failed', message, final: false };
}
