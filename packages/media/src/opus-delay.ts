import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ffmpegArguments } from './command-line.js';
import type { MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import { probeFile } from './probe.js';
import { runProcess } from './process.js';
import { findProgram } from './programs.js';

/** Samples that libopus needs to warm up, at 48 kHz. */
const WARM_UP_SAMPLES = 312;
const known = new Map<string, number>();

/**
 * By how many samples (at 48 kHz) sound must be late for Opus in WebM to be in time. Players subtract the encoder's warm-up (CodecDelay) from each time stamp;
 * older ffmpegs (5.1 does, 9.0 doesn't) forget to add it first, so that sound would come 6.5 ms early. Which kind this
 * one is, is tried once.
 */
export async function opusDelaySamples(limits: MediaLimits, signal: AbortSignal | undefined): Promise<number> {
  const path = await findProgram('ffmpeg');
  const before = known.get(path);
  if (before !== undefined) return before;
  const samples = await tryOut(limits, signal);
  known.set(path, samples);
  return samples;
}

async function tryOut(limits: MediaLimits, signal: AbortSignal | undefined): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-'));
  try {
    const path = join(folder, 'silence.webm');
    const coding = ['-t', '0.1', '-c:a', 'libopus', '-avoid_negative_ts', 'disabled', '-f', 'webm'];
    await runProcess({
      program: 'ffmpeg',
      args: ffmpegArguments({
        inputs: [{ options: ['-f', 'lavfi'], url: 'anullsrc=r=48000:cl=stereo' }],
        outputs: [{ options: coding, url: `file:${path}` }],
      }),
      files: [],
      timeLimitS: 20,
      limits,
      subject: 'a silent sound',
      signal,
    });
    const file = await openMediaFile(path, limits.bytes);
    try {
      const { containerStartS } = await probeFile(file, limits, signal);
      return containerStartS < -0.01 ? WARM_UP_SAMPLES : 0;
    } finally {
      await file.handle.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
