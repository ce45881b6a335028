import type { SoundstageError } from '@soundstage/core';
import { refuse } from '../refusal.js';

/** What yt-dlp's messages mean; the first that fits counts. */
const MEANINGS: readonly [pattern: RegExp, name: Parameters<typeof refuse>[0], says: string][] = [
  [/HTTP Error 429|Too Many Requests|rate.?limit/i, 'rate_limited', 'asks too much of the site'],
  [/confirm you.?re not a bot/i, 'login_asked', 'is shown to people only: the site takes this machine for a program'],
  [/confirm your age|age.?restricted|inappropriate for some users/i, 'video_age_restricted', 'is for adults only'],
  [/private video|video is private|members?.only|join this channel/i, 'video_private', 'is private'],
  [
    /not (made this video )?available in your (country|location)|geo.?restrict/i,
    'video_geo_blocked',
    "isn't shown here",
  ],
  [
    /premieres? in|live event will begin|does not pass filter|live stream recording is not available/i,
    'video_not_yet',
    "isn't there yet",
  ],
  [
    /has been (removed|deleted|terminated)|no longer available|copyright|removed by the uploader/i,
    'video_removed',
    'was removed',
  ],
  [
    /video (is )?(unavailable|not available)|this video isn.t available|HTTP Error 404/i,
    'video_unavailable',
    "isn't available",
  ],
  [/requested format is not available|no video formats/i, 'no_format', 'has no picture and sound that fit'],
  [/larger than max-filesize/i, 'too_large', 'is larger than the limit'],
  [/conversion failed|invalid duration|ffmpeg exited with code/i, 'no_such_part', 'has no such part'],
  [
    /resolve host|name resolution|name or service not known|transporterror|timed out|connection (refused|reset)|network is unreachable/i,
    'unreachable',
    "can't be reached",
  ],
];

/** How long the site is left alone when it says that it was too much. */
const PAUSE_MS = 60_000;
const LONGEST_WORDS = 200;

/**
 * Turns the end of a yt-dlp run into a refusal.
 *
 * @param code its exit code; 0 where it left no file
 * @param said what it wrote
 */
export function explainYtDlp(videoId: string, code: number | null, said: string): SoundstageError {
  const lines = said.split('\n').filter((line) => line.startsWith('ERROR:'));
  const text = lines.length > 0 ? lines.join('\n') : said;
  const meaning = MEANINGS.find(([pattern]) => pattern.test(text));
  if (meaning) {
    const [, name, says] = meaning;
    const pause = name === 'rate_limited' ? { retryAfterMs: PAUSE_MS } : {};
    return refuse(name, `The video ${videoId} ${says}.`, { ...pause, cause: new Error(text.slice(0, 2000)) });
  }
  const words = (lines.at(-1) ?? said.trim().split('\n').at(-1) ?? '').slice(0, LONGEST_WORDS);
  return refuse('downloader_failed', `yt-dlp ended with ${code ?? 'a signal'} for ${videoId}: ${words || 'no words'}`);
}
