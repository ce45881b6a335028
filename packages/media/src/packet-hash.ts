import { badInput } from '@soundstage/core';
import { ffmpegArguments, guardOptions } from './command-line.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile } from './media-file.js';
import { probeFile } from './probe.js';
import { runProcess } from './process.js';

/**
 * SHA-256 (hex) over the data of all packets of the picture, in file order and without times: equal for two files
 * whose picture was copied bit for bit. (Between MP4 and MPEG-TS the same picture is framed differently.)
 */
export async function hashVideoPackets(
  path: string,
  options: { limits?: Partial<MediaLimits>; signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const limits = withDefaults(options.limits);
  const file = await openMediaFile(path, limits.bytes);
  try {
    const info = await probeFile(file, limits, options.signal);
    if (info.video === undefined) throw badInput(`${file.name} has no picture.`, 'path');
    const { output } = await runProcess({
      program: 'ffmpeg',
      args: ffmpegArguments({
        inputs: [{ options: guardOptions(limits), url: 'file:/dev/fd/3' }],
        outputs: [
          { options: ['-map', `0:${info.video.index}`, '-c', 'copy', '-f', 'hash', '-hash', 'sha256'], url: 'pipe:1' },
        ],
      }),
      files: [file],
      timeLimitS: 60 + info.durationS,
      limits,
      subject: file.name,
      signal: options.signal,
    });
    const hash = /^SHA256=([0-9a-f]{64})$/m.exec(output)?.[1];
    if (hash === undefined) throw badInput(`${file.name} has no picture that can be hashed.`, 'path');
    return hash;
  } finally {
    await file.handle.close();
  }
}
