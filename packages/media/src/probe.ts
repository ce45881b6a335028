import { badInput } from '@soundstage/core';
import { globalOptions, guardOptions } from './command-line.js';
import { withDefaults, type MediaLimits } from './limits.js';
import { openMediaFile, type MediaFile } from './media-file.js';
import type { MediaInfo, VideoInfo } from './media-info.js';
import { packetTimes, readLastPackets } from './packet-times.js';
import {
  audioInfo,
  chooseStreams,
  containerName,
  finiteNumber,
  headPackets,
  PROBE_ENTRIES,
  timeline,
  videoInfo,
  type ProbeOutput,
} from './probe-output.js';
import { runProcess } from './process.js';

export interface ProbeOptions {
  limits?: Partial<MediaLimits> | undefined;
  signal?: AbortSignal | undefined;
}

/** By how much a picture may be shorter than its header says before the file counts as cut off. */
const MISSING_S = 0.5;
const MISSING_SHARE = 0.02;

/**
 * Looks at a media file without decoding it: kind, streams, sizes, times.
 * Throws BAD_INPUT naming the file and the limit, NOT_FOUND, CANCELLED, UNAVAILABLE (no ffprobe, killed from outside).
 * A file that takes longer than `limits.probeSeconds` to look at is bad input, too.
 */
export async function probe(path: string, options: ProbeOptions = {}): Promise<MediaInfo> {
  const limits = withDefaults(options.limits);
  const file = await openMediaFile(path, limits.bytes);
  try {
    return await probeFile(file, limits, options.signal);
  } finally {
    await file.handle.close();
  }
}

/** `probe` of a file that is open already. */
export async function probeFile(file: MediaFile, limits: MediaLimits, signal?: AbortSignal): Promise<MediaInfo> {
  const startedAt = performance.now();
  const { headers, tooManyPixels } = await readHeaders(file, limits, signal);
  const container = containerName(headers);
  const chosen = chooseStreams(headers);
  const streams = headers.streams.length;
  if (streams > limits.streams) {
    throw badInput(`${file.name} has ${streams} streams; the limit is ${limits.streams}.`, 'path');
  }
  if (chosen.video === undefined && chosen.audio === undefined) {
    throw badInput(`${file.name} holds neither picture nor sound that can be read.`, 'path');
  }

  const clock = timeline(headers, chosen);
  const still = chosen.video !== undefined && (headers.format.format_name.endsWith('_pipe') || clock.singlePicture);
  let video = chosen.video && videoInfo(chosen.video, clock.startS, container);
  if (video !== undefined) checkPicture(file.name, video, tooManyPixels, limits);

  let durationS = still ? 0 : clock.durationS;
  checkDuration(file.name, durationS, limits);
  if (video !== undefined && still) video = { ...video, frameRate: 0, durationS: 0, frameCount: 1, startS: 0 };
  else if (video !== undefined) {
    const { index } = video;
    const whole = headers.packets.length < headPackets(file.sizeBytes);
    const leftS = Math.max(1, limits.probeSeconds - (performance.now() - startedAt) / 1000);
    const last = whole
      ? []
      : await slowIsBad(file.name, limits, () =>
          readLastPackets(
            file,
            { index, containerEndS: clock.startS + durationS },
            { limits, timeLimitS: leftS, signal },
          ),
        );
    const times = packetTimes(
      headers.packets.filter((packet) => packet.stream_index === index),
      last,
      whole,
    );
    if (times === undefined) {
      throw badInput(`${file.name} has no picture in it, though its header says so: it is cut off or damaged.`, 'path');
    }
    const promisedEndS = video.durationS > 0 ? clock.startS + video.startS + video.durationS : undefined;
    if (promisedEndS !== undefined) checkComplete(file.name, promisedEndS - clock.startS, times.endS - clock.startS);
    // AVI without its index (at the end) passes for a shorter file; the number of pictures is at its beginning.
    if (container === 'avi' && whole && video.frameCount !== undefined && video.frameRate > 0) {
      checkComplete(file.name, video.frameCount / video.frameRate, times.count / video.frameRate);
    }
    const frameCount = whole ? times.count : video.frameCount;
    const trusted = video.frameRate > 0 && video.frameRate <= limits.frameRate;
    video = {
      ...video,
      ...(frameCount === undefined ? {} : { frameCount }),
      frameRate: trusted ? video.frameRate : times.frameRate,
      variableFrameRate: times.variableFrameRate,
      startS: times.startS - clock.startS,
      durationS: Math.max(0, times.endS - times.startS),
    };
    durationS = Math.max(durationS, video.startS + video.durationS);
    checkDuration(file.name, durationS, limits);
    if (video.frameRate > limits.frameRate) {
      throw badInput(
        `${file.name} has ${video.frameRate.toFixed(0)} pictures a second; the limit is ${limits.frameRate}.`,
        'path',
      );
    }
  }

  return {
    name: file.name,
    container,
    sizeBytes: file.sizeBytes,
    durationS,
    startS: clock.startS,
    containerStartS: clock.containerStartS,
    still,
    streams,
    ...(video && { video }),
    ...(chosen.audio && { audio: audioInfo(chosen.audio, clock.startS) }),
    subtitles: headers.streams
      .filter((stream) => stream.codec_type === 'subtitle')
      .map((stream) => ({ index: stream.index, codec: stream.codec_name ?? 'unknown' })),
    attachedPictures: headers.streams
      .filter((stream) => stream.disposition?.attached_pic === 1)
      .map((stream) => stream.index),
  };
}

async function readHeaders(
  file: MediaFile,
  limits: MediaLimits,
  signal?: AbortSignal,
): Promise<{ headers: ProbeOutput; tooManyPixels: boolean }> {
  const { output, findings } = await slowIsBad(file.name, limits, () =>
    runProcess({
      program: 'ffprobe',
      args: [
        ...globalOptions('error'),
        ...guardOptions(limits),
        ...[
          '-show_entries',
          PROBE_ENTRIES,
          '-read_intervals',
          `%+#${headPackets(file.sizeBytes)}`,
          '-of',
          'json',
          'file:/dev/fd/3',
        ],
      ],
      files: [file],
      timeLimitS: limits.probeSeconds,
      limits,
      subject: file.name,
      signal,
    }),
  );
  const parsed = JSON.parse(output) as Partial<ProbeOutput>;
  if (parsed.format?.format_name === undefined) throw badInput(`${file.name} isn't a media file.`, 'path');
  const headers = { format: parsed.format, streams: parsed.streams ?? [], packets: parsed.packets ?? [] };
  return { headers, tooManyPixels: findings.has('pixels') };
}

async function slowIsBad<T>(name: string, limits: MediaLimits, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if ((error as { reason?: string }).reason !== 'DEADLINE_EXCEEDED') throw error;
    throw badInput(`Looking at ${name} took longer than the limit of ${limits.probeSeconds} s.`, 'path', error);
  }
}

function checkPicture(name: string, video: VideoInfo, tooManyPixels: boolean, limits: MediaLimits): void {
  const { codedWidth: width, codedHeight: height } = video;
  if (tooManyPixels && (width === 0 || height === 0)) {
    throw badInput(`The picture of ${name} is larger than the limit of ${limits.pixels} pixels.`, 'path');
  }
  if (width === 0 || height === 0) throw badInput(`The picture of ${name} can't be read: it has no size.`, 'path');
  if (width < limits.minSidePixels || height < limits.minSidePixels) {
    const least = limits.minSidePixels;
    throw badInput(`The picture of ${name} is ${width}×${height} pixels; the least is ${least}×${least}.`, 'path');
  }
  if (width * height > limits.pixels) {
    throw badInput(
      `The picture of ${name} has ${width}×${height} pixels; the limit is ${limits.pixels} pixels.`,
      'path',
    );
  }
  if (video.codec === 'unknown') throw badInput(`The picture of ${name} is coded in a way that isn't known.`, 'path');
}

function checkDuration(name: string, durationS: number, limits: MediaLimits): void {
  if (finiteNumber(durationS) === undefined) throw badInput(`${name} has no valid length.`, 'path');
  if (durationS > limits.seconds) {
    throw badInput(`${name} is ${Math.round(durationS)} s long; the limit is ${limits.seconds} s.`, 'path');
  }
}

function checkComplete(name: string, promisedS: number, foundS: number): void {
  if (foundS >= promisedS - Math.max(MISSING_S, MISSING_SHARE * promisedS)) return;
  throw badInput(
    `${name} is cut off: its picture ends at ${foundS.toFixed(1)} s of ${promisedS.toFixed(1)} s. Copy or download it again.`,
    'path',
  );
}
