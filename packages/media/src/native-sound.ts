import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { FOLLOW_TIMES } from './decode-audio.js';
import type { MediaLimits } from './limits.js';
import type { MediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import { startProcess } from './process.js';
import type { StreamHead } from './repair-streams.js';
import { clockOf } from './timeline.js';

/**
 * Decodes one sound of a file with its own rate and channels: blocks of interleaved samples, ±1 full scale, the first
 * at the file's zero. Sound that begins later is preceded by silence; `FOLLOW_TIMES` says how gaps are.
 * Errors: as `decodeAudio`.
 */
export async function* decodeNativeSound(
  file: MediaFile,
  stream: StreamHead,
  {
    info,
    limits,
    timeLimitS,
    signal,
  }: { info: MediaInfo; limits: MediaLimits; timeLimitS: number; signal: AbortSignal | undefined },
): AsyncGenerator<Float32Array, void, void> {
  const { index, sampleRateHz, channels } = stream;
  const first = Math.round(clockOf(info, {}).filterZeroS * sampleRateHz);
  const child = await startProcess({
    program: 'ffmpeg',
    args: ffmpegArguments({
      inputs: [{ options: [...guardOptions(limits), '-vn', '-sn', '-dn'], url: 'file:/dev/fd/3' }],
      filterGraph: `[0:${index}]aresample=${sampleRateHz}:${FOLLOW_TIMES}:first_pts=${first},aformat=sample_fmts=flt[out]`,
      outputs: [
        { options: ['-map', '[out]', '-ac', String(channels), '-c:a', 'pcm_f32le', '-f', 'f32le'], url: 'pipe:4' },
      ],
    }),
    files: [file],
    pipes: 1,
    timeLimitS,
    limits,
    subject: file.name,
    signal,
  });
  let left = true;
  try {
    const frameBytes = 4 * channels;
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of child.pipes[0] as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % frameBytes);
      rest = bytes.subarray(whole);
      if (whole === 0) continue;
      const block = new Float32Array(whole / 4);
      new Uint8Array(block.buffer).set(bytes.subarray(0, whole));
      yield block;
    }
    left = false;
    const { findings } = await child.done;
    if (findings.has('truncated')) {
      throw badInput(`${file.name} is cut off: a part of the file is missing. Copy or download it again.`, 'path');
    }
  } catch (error) {
    // A broken pipe is the echo of what ended the process.
    if (left) await child.done;
    throw error;
  } finally {
    if (left) child.stop(badInput('The caller left.'));
    await child.done.catch(() => {});
  }
}
