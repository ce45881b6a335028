import { badInput } from '@soundstage/core';
import { probe, type MediaInfo } from '@soundstage/media';

/**
 * Probes the file and refuses what has no picture that moves or no sound: there is nothing to compare.
 *
 * Throws SoundstageError BAD_INPUT that names the file, and what probe() throws.
 */
export async function examine(path: string, signal: AbortSignal | undefined): Promise<MediaInfo> {
  const info = await probe(path, { signal });
  if (info.video === undefined) throw badInput(`${info.name} has no picture: give a video with sound.`, 'video');
  if (info.still) throw badInput(`${info.name} is a still image: give a video with sound.`, 'video');
  if (info.audio === undefined)
    throw badInput(
      `${info.name} has no sound that could be compared with its picture: give a video with sound.`,
      'video',
    );
  return info;
}
