import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ffmpegArguments, guardOptions } from './command-line.js';
import type { MediaLimits } from './limits.js';
import { openMediaFile, type MediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { probeFile } from './probe.js';
import { runProcess } from './process.js';
import type { FileHeads } from './repair-streams.js';

/** Sounds whose clock steps by more than this can't be moved exactly by ffmpeg, which counts in the stream's own steps. */
const COARSE_S = 0.0011;

/** The sounds of a file, to be moved by any time. */
export interface FineSound {
  file: MediaFile;
  /** What `-map` takes for a sound stream, as input 1. */
  mapOf(index: number, place: number): string;
  /** What ffmpeg's clock must be moved by for the file's zero to be at zero. */
  zeroS: number;
  close(): Promise<void>;
}

/**
 * The file itself, or, where the clock of a sound is coarse (MP3 in AVI steps by 24 ms), its sounds in a Matroska of
 * their own, whose clock steps by 1 ms. Packets stay as they are.
 */
export async function openFineSound(
  file: MediaFile,
  info: MediaInfo,
  heads: FileHeads,
  limits: MediaLimits,
  signal: AbortSignal | undefined,
): Promise<FineSound> {
  const zeroS = info.containerStartS - info.startS;
  const coarse = heads.streams.some((stream) => stream.kind === 'audio' && stream.stepS > COARSE_S);
  if (!coarse) return { file, mapOf: (index) => `1:${index}`, zeroS, close: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'sound.mka');
    await runProcess({
      program: 'ffmpeg',
      args: ffmpegArguments({
        inputs: [{ options: [...guardOptions(limits), '-vn', '-sn', '-dn'], url: 'file:/dev/fd/3' }],
        outputs: [
          {
            options: ['-map', '0:a', '-c', 'copy', '-avoid_negative_ts', 'disabled', '-f', 'matroska'],
            url: `file:${path}`,
          },
        ],
      }),
      files: [file],
      timeLimitS: 60 + info.durationS,
      limits,
      subject: file.name,
      signal,
    });
    const fine = await openMediaFile(path, Infinity);
    const startS = (await probeFile(fine, { ...limits, seconds: Infinity }, signal)).containerStartS;
    return {
      file: fine,
      mapOf: (_, place) => `1:a:${place}`,
      zeroS: zeroS + startS,
      close: async () => {
        await fine.handle.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
