import { badInput } from '@soundstage/core';
import { globalOptions, guardOptions } from './command-line.js';
import { subtitleCodec } from './containers.js';
import type { MediaLimits } from './limits.js';
import type { MediaFile } from './media-file.js';
import type { MediaInfo } from './media-info.js';
import type { RepairContainer } from './repair-containers.js';
import { runProcess } from './process.js';

/** What must be known of a stream to take it along, or to code its sound anew. */
export interface StreamHead {
  index: number;
  kind: 'video' | 'audio' | 'subtitle' | 'data' | 'attachment' | 'unknown';
  codec: string;
  /** Four letters of MP4 and MOV, such as `tmcd`. */
  tag: string;
  attachedPicture: boolean;
  /** What players are told of the stream, such as `default`, `comment`. */
  dispositions: string[];
  sampleRateHz: number;
  channels: number;
  bitRate: number;
  /** Bits of a sample of sound that is stored without loss. */
  bits: number;
  /** Step of the stream's clock. */
  stepS: number;
}

export interface FileHeads {
  streams: StreamHead[];
  /** Whether the file's words about itself are QuickTime keys (`com.apple.quicktime.make`). */
  quicktimeKeys: boolean;
}

/** Reads the heads of all streams of a file. Errors: as `probe`. */
export async function readHeads(
  file: MediaFile,
  limits: MediaLimits,
  signal: AbortSignal | undefined,
): Promise<FileHeads> {
  const entries =
    'format_tags:stream=index,codec_type,codec_name,codec_tag_string,sample_rate,channels,bit_rate,bits_per_raw_sample,' +
    'bits_per_sample,time_base:stream_disposition:stream_tags=BPS,BPS-eng';
  const { output } = await runProcess({
    program: 'ffprobe',
    args: [
      ...globalOptions('error'),
      ...guardOptions(limits),
      ...['-show_entries', entries, '-of', 'json', 'file:/dev/fd/3'],
    ],
    files: [file],
    timeLimitS: limits.probeSeconds,
    limits,
    subject: file.name,
    signal,
  });
  const told = JSON.parse(output) as { format?: { tags?: Record<string, string> }; streams?: RawStream[] };
  return {
    streams: (told.streams ?? []).map(head),
    quicktimeKeys: Object.keys(told.format?.tags ?? {}).some((key) => key.startsWith('com.')),
  };
}

interface RawStream {
  index: number;
  codec_type?: string;
  codec_name?: string;
  codec_tag_string?: string;
  sample_rate?: string;
  channels?: number;
  bit_rate?: string;
  bits_per_raw_sample?: string;
  bits_per_sample?: number;
  time_base?: string;
  disposition?: Record<string, number>;
  tags?: Record<string, string>;
}

function head(raw: RawStream): StreamHead {
  const kinds = ['video', 'audio', 'subtitle', 'data', 'attachment'] as const;
  const number = (...fields: (string | number | undefined)[]) =>
    fields.map(Number).find((value) => Number.isFinite(value) && value > 0) ?? 0;
  const [above = 0, below = 1] = (raw.time_base ?? '').split('/').map(Number);
  return {
    index: raw.index,
    kind: kinds.find((kind) => kind === raw.codec_type) ?? 'unknown',
    codec: raw.codec_name ?? 'unknown',
    tag: raw.codec_tag_string ?? '',
    attachedPicture: raw.disposition?.['attached_pic'] === 1,
    dispositions: Object.entries(raw.disposition ?? {}).flatMap(([name, set]) => (set === 1 ? [name] : [])),
    sampleRateHz: number(raw.sample_rate),
    channels: number(raw.channels),
    bitRate: number(raw.bit_rate, raw.tags?.['BPS'], raw.tags?.['BPS-eng']),
    bits: number(raw.bits_per_raw_sample, raw.bits_per_sample),
    stepS: above / below || 0,
  };
}

/** How the streams of one file go into another: what is mapped from where, and what had to stay behind. */
export interface CopyPlan {
  /** `-map` and `-c` of each stream that goes along, in the file's order. */
  options: string[];
  /** What the container can't carry, in sentences. */
  warnings: string[];
}

/**
 * Takes along all that the container carries. `soundSource(n)` tells where the n-th sound comes from, as `-map` takes
 * it, and how it is coded; undefined leaves it out.
 */
export function planCopies(
  heads: FileHeads,
  info: MediaInfo,
  container: RepairContainer,
  soundSource: (sound: StreamHead, place: number) => { map: string; coding: (place: number) => string[] } | undefined,
): CopyPlan {
  const options: string[] = [];
  const left = new Map<string, number>();
  const places = { video: 0, audio: 0, subtitle: 0, data: 0, attachment: 0, unknown: 0 };
  const leave = (what: string) => left.set(what, (left.get(what) ?? 0) + 1);
  let sounds = 0;
  for (const stream of heads.streams) {
    const { kind, index } = stream;
    const place = places[kind];
    if (kind === 'audio') {
      const source = soundSource(stream, sounds++);
      if (source === undefined) leave('sounds');
      else options.push('-map', source.map, ...source.coding(places.audio++));
    } else if (kind === 'video') {
      const main = index === info.video?.index;
      const fits = stream.attachedPicture ? container.carriesCovers : container.carriesPicture(stream.codec);
      if (!main && !fits) leave(stream.attachedPicture ? 'cover pictures' : 'further pictures');
      else {
        options.push('-map', `0:${index}`, `-c:v:${place}`, 'copy');
        if (stream.attachedPicture) options.push(`-disposition:v:${place}`, 'attached_pic');
        places.video++;
      }
    } else if (kind === 'subtitle') {
      const codec = container.common === undefined ? undefined : subtitleCodec(container.common, stream.codec);
      const own = container.sameKindAs(info) && container.copiesOwnSubtitles;
      if (!own && codec === undefined) leave('subtitles');
      else {
        options.push('-map', `0:${index}`, `-c:s:${place}`, own ? 'copy' : (codec as string));
        places.subtitle++;
      }
    } else if (kind === 'attachment' && container.carriesAttachments) {
      options.push('-map', `0:${index}`, `-c:t:${place}`, 'copy');
      places.attachment++;
    } else if (kind === 'data' && container.carriesData(stream)) {
      options.push('-map', `0:${index}`, `-c:d:${place}`, 'copy');
      places.data++;
    } else if (!writtenAnew(stream, container)) leave(kind === 'attachment' ? 'attachments' : 'data');
  }
  return {
    options,
    warnings: [...left].map(([what, count]) => {
      const [streams, were] = count === 1 ? ['1 stream', 'it was'] : [`${count} streams`, 'they were'];
      return `“${container.extension}” can't carry ${streams} of ${what} of ${info.name}: ${were} left out.`;
    }),
  };
}

/** Time codes and chapters lie in streams of MP4 and MOV; ffmpeg reads and writes them as words of the file. */
function writtenAnew(stream: StreamHead, container: RepairContainer): boolean {
  return container.family === 'mov' && stream.kind === 'data' && /^(tmcd|text)$/.test(stream.tag);
}

/** Throws BAD_INPUT where the container can't carry a sound of the file as it is. */
export function checkSoundsFit(heads: FileHeads, container: RepairContainer, info: MediaInfo, others: string): void {
  const unfit = heads.streams.find((stream) => stream.kind === 'audio' && !container.carriesSound(stream.codec));
  if (unfit === undefined) return;
  const how = container.family === 'avi' ? 'moved by time stamps' : 'as it is';
  throw badInput(
    `${info.name} can't be put into ${container.extension} with its sound (${unfit.codec}) ${how}: name the output ${others}.`,
    'outputPath',
  );
}
