import { basename } from 'node:path';
import { readJson, SoundstageError, writeJson, type ObjectStore } from '@soundstage/core';
import { withDefaults, type MediaLimits } from './limits.js';
import type { MediaInfo } from './media-info.js';
import { probe, type ProbeOptions } from './probe.js';

/** To be raised with every change of `probe` that changes what it tells. */
const PROBE_VERSION = 2;

/** A clip that lies in the store, and a local copy of it. */
export interface StoredClip {
  /** Of its bytes, hexadecimal. */
  sha256: string;
  path: string;
}

/**
 * `probe` of a clip that lies in the store. What it tells is kept there under the clip's hash: each step of the pipeline
 * needs it, and starting ffprobe costs as much as cutting a second of video. A refusal isn't kept.
 */
export async function probeStored(
  store: ObjectStore,
  clip: StoredClip,
  options: ProbeOptions = {},
): Promise<MediaInfo> {
  const key = `probes/${PROBE_VERSION}/${clip.sha256.slice(0, 2)}/${clip.sha256}.json`;
  const known = await readJson<MediaInfo>(store, key);
  // Others may have looked under wider limits: then `probe` says which one is broken.
  if (known && isWithin(known.value, withDefaults(options.limits)))
    return { ...known.value, name: basename(clip.path) };
  const info = await probe(clip.path, options);
  if (!known) {
    await writeJson(store, key, info, { ifVersion: 'absent' }).catch((error: unknown) => {
      if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
    });
  }
  return info;
}

function isWithin({ sizeBytes, durationS, streams, video }: MediaInfo, limits: MediaLimits): boolean {
  return (
    sizeBytes <= limits.bytes &&
    durationS <= limits.seconds &&
    streams <= limits.streams &&
    (!video ||
      (video.codedWidth * video.codedHeight <= limits.pixels &&
        Math.min(video.width, video.height) >= limits.minSidePixels &&
        video.frameRate <= limits.frameRate))
  );
}
