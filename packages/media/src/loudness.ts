import { badInput } from '@soundstage/core';
import { ffmpegArguments } from './command-line.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { startProcess } from './process.js';
import { openSound, type SoundSource } from './sound-input.js';

/** Loudness by EBU R128. */
export interface Loudness {
  /** Integrated loudness in LUFS; −70 means silence, or sound shorter than one block of 0.4 s. */
  integratedLufs: number;
  /** Highest true peak of all channels in dBTP; −120 at least. */
  truePeakDbtp: number;
  loudnessRangeLu: number;
}

const FLOOR_DBTP = -120;

/**
 * Measures loudness and true peak by ffmpeg's ebur128 (BS.1770-4, EBU Tech 3342). Mono counts as one channel.
 * Errors: as `probe` for files; BAD_INPUT where there is no sound.
 */
export async function measureLoudness(
  source: SoundSource,
  options: { limits?: Partial<MediaLimits>; signal?: AbortSignal | undefined; timeoutS?: number } = {},
): Promise<Loudness> {
  const limits = withDefaults(options.limits);
  const sound = await openSound(source, 0, limits);
  try {
    let integratedLufs = -70;
    let loudnessRangeLu = 0;
    let finePeak = 0;
    let summaryPeakDb = -Infinity;
    const child = await startProcess({
      program: 'ffmpeg',
      args: ffmpegArguments({
        logLevel: 'info',
        inputs: [{ ...sound.target, options: [...sound.target.options, '-vn', '-sn', '-dn'] }],
        filterGraph: '[0:a:0]ebur128=peak=true:metadata=1:framelog=verbose,ametadata=print:file=pipe\\\\:1[out]',
        outputs: [{ options: ['-map', '[out]', '-f', 'null'], url: 'pipe:2' }],
      }),
      files: sound.file ? [sound.file] : [],
      stdin: sound.file === undefined,
      timeLimitS: options.timeoutS ?? 600,
      limits,
      subject: sound.file?.name ?? 'the sound',
      signal: options.signal,
      onOutputLine: (line) => {
        const value = /^lavfi\.r128\.(I|LRA|true_peaks?_ch\d+|true_peak)=(.+)$/.exec(line);
        if (value === null) return;
        const number = Number(value[2]);
        if (Number.isNaN(number)) return;
        if (value[1] === 'I') integratedLufs = number;
        else if (value[1] === 'LRA') loudnessRangeLu = number;
        else finePeak = Math.max(finePeak, number);
      },
      onLogLine: (line) => {
        const peak = /^\s+Peak:\s+(\S+) dBFS/.exec(line)?.[1];
        if (peak !== undefined) summaryPeakDb = peak === '-inf' ? -Infinity : Number(peak);
        return false;
      },
    });
    await Promise.all([sound.feed(child), child.done]).catch((error: unknown) => {
      child.stop(badInput('The sound ended with an error.'));
      throw error;
    });
    return {
      integratedLufs: Math.max(-70, integratedLufs),
      loudnessRangeLu,
      truePeakDbtp: Math.max(FLOOR_DBTP, finerPeakDb(finePeak, summaryPeakDb)),
    };
  } finally {
    await sound.close();
  }
}

/**
 * The summary covers every sample but is rounded to 0.1 dB; the running value has three decimals of the linear peak
 * but misses the last tenth of a second. Where they agree, the finer one is told.
 */
function finerPeakDb(linear: number, summaryDb: number): number {
  const fineDb = 20 * Math.log10(linear);
  return linear > 0.05 && Math.abs(fineDb - summaryDb) <= 0.06 ? fineDb : summaryDb;
}
