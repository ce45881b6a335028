import type { AudioInfo, VideoInfo } from './media-info.js';

/** So many packets of all streams are read with the headers: most clips are seen whole by one process. */
export function headPackets(fileBytes: number): number {
  // Packets of big files may be megabytes each.
  return fileBytes < 200 * 2 ** 20 ? 3000 : 300;
}

/** What ffprobe is asked for. */
export const PROBE_ENTRIES = [
  'format=format_name,start_time,duration',
  'format_tags=major_brand',
  'stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,pix_fmt,avg_frame_rate,r_frame_rate,nb_frames,' +
    'has_b_frames,start_time,duration,sample_rate,channels,bit_rate',
  'stream_disposition=default,attached_pic',
  'stream_tags=DURATION,rotate',
  'stream_side_data=rotation',
  'packet=stream_index,pts_time,dts_time,duration_time,flags',
].join(':');

export interface ProbeStream {
  index: number;
  codec_type?: string;
  codec_name?: string;
  width?: number;
  height?: number;
  sample_aspect_ratio?: string;
  pix_fmt?: string;
  avg_frame_rate?: string;
  r_frame_rate?: string;
  nb_frames?: string;
  has_b_frames?: number;
  start_time?: string;
  duration?: string;
  sample_rate?: string;
  channels?: number;
  bit_rate?: string;
  disposition?: { default?: number; attached_pic?: number };
  tags?: Record<string, string>;
  side_data_list?: { rotation?: number }[];
}

export interface ProbePacket {
  stream_index?: number;
  pts_time?: string;
  dts_time?: string;
  duration_time?: string;
  flags?: string;
}

export interface ProbeOutput {
  /** The first packets of all streams. */
  packets: ProbePacket[];
  format: { format_name: string; start_time?: string; duration?: string; tags?: Record<string, string> };
  streams: ProbeStream[];
}

export interface ChosenStreams {
  video?: ProbeStream;
  audio?: ProbeStream;
}

/** The picture and the sound that players take: the default stream, else the first; covers don't count. */
export function chooseStreams(output: ProbeOutput): ChosenStreams {
  const pick = (type: string) => {
    const all = output.streams.filter((stream) => stream.codec_type === type && stream.disposition?.attached_pic !== 1);
    return all.find((stream) => stream.disposition?.default === 1) ?? all[0];
  };
  const video = pick('video');
  const audio = pick('audio');
  // A sound stream without rate or channels (a damaged header) can't be decoded.
  const audible = audio !== undefined && Number(audio.sample_rate) > 0 && (audio.channels ?? 0) > 0;
  return { ...(video && { video }), ...(audible && { audio }) };
}

/** One short word for the container, from ffmpeg's list of names. */
export function containerName(output: ProbeOutput): string {
  const demuxer = output.format.format_name;
  if (demuxer.startsWith('mov,')) return output.format.tags?.['major_brand']?.startsWith('qt') ? 'mov' : 'mp4';
  if (demuxer.startsWith('matroska')) {
    const web = new Set(['vp8', 'vp9', 'av1', 'opus', 'vorbis', 'webvtt']);
    return output.streams.every((stream) => web.has(stream.codec_name ?? '')) ? 'webm' : 'matroska';
  }
  return demuxer.replace(/_pipe$/, '').split(',')[0] as string;
}

/** The clock of a file; see MediaInfo. */
export interface Timeline {
  startS: number;
  containerStartS: number;
  /** Length of the longest stream from `startS`, 0 where no header tells. */
  durationS: number;
  singlePicture: boolean;
}

export function timeline(output: ProbeOutput, chosen: ChosenStreams): Timeline {
  const containerStartS = finiteNumber(output.format.start_time) ?? 0;
  const videoStartS = finiteNumber(chosen.video?.start_time) ?? containerStartS;
  const startS =
    containerStartS >= 0 || !chosen.video ? containerStartS : Math.max(containerStartS, Math.min(0, videoStartS));
  const durations = [finiteNumber(output.format.duration), ...output.streams.map((stream) => streamDurationS(stream))];
  const longestS = Math.max(0, ...durations.map((duration) => duration ?? 0));
  return {
    startS,
    containerStartS,
    durationS: Math.max(0, longestS - (startS - containerStartS)),
    singlePicture: chosen.video?.nb_frames === '1' && chosen.audio === undefined,
  };
}

/** Codecs whose pictures may refer to later ones without the packets telling in which order they are shown. */
const ORDER_INSIDE: ReadonlySet<string> = new Set(['h264', 'hevc']);

export function videoInfo(stream: ProbeStream, startS: number, container: string): VideoInfo {
  const codedWidth = stream.width ?? 0;
  const codedHeight = stream.height ?? 0;
  const pixelAspectRatio = ratio(stream.sample_aspect_ratio?.replace(':', '/')) || 1;
  const rotationDegrees = clockwiseRotation(stream);
  const shown = { width: Math.max(1, Math.round(codedWidth * pixelAspectRatio)), height: codedHeight };
  const turned = rotationDegrees % 180 === 90 ? { width: shown.height, height: shown.width } : shown;
  const frames = finiteNumber(stream.nb_frames);
  return {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    ...turned,
    codedWidth,
    codedHeight,
    pixelAspectRatio,
    rotationDegrees,
    pixelFormat: stream.pix_fmt ?? 'unknown',
    frameRate: ratio(stream.avg_frame_rate) || ratio(stream.r_frame_rate),
    variableFrameRate: false,
    ...(container === 'avi' &&
      ORDER_INSIDE.has(stream.codec_name ?? '') &&
      (stream.has_b_frames ?? 0) > 0 && { orderUntold: true as const }),
    ...(frames !== undefined && frames > 0 && { frameCount: frames }),
    startS: (finiteNumber(stream.start_time) ?? startS) - startS,
    durationS: streamDurationS(stream) ?? 0,
  };
}

export function audioInfo(stream: ProbeStream, startS: number): AudioInfo {
  const bitRate = finiteNumber(stream.bit_rate);
  const durationS = streamDurationS(stream);
  return {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    sampleRateHz: Number(stream.sample_rate),
    channels: stream.channels as number,
    ...(bitRate !== undefined && { bitRate }),
    startS: (finiteNumber(stream.start_time) ?? startS) - startS,
    ...(durationS !== undefined && durationS > 0 && { durationS }),
  };
}

/** The number in a field of ffprobe, undefined for N/A, infinities and nonsense. */
export function finiteNumber(field: string | number | undefined): number | undefined {
  if (field === undefined || field === '') return undefined;
  const number = Number(field);
  return Number.isFinite(number) ? number : undefined;
}

function streamDurationS(stream: ProbeStream): number | undefined {
  if (stream.disposition?.attached_pic === 1) return undefined;
  const told = finiteNumber(stream.duration);
  if (told !== undefined) return told;
  // Matroska tells it in a tag: 00:00:04.023000000, counted from the container's zero.
  const tag = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(stream.tags?.['DURATION'] ?? '');
  if (tag === null) return undefined;
  const endS = Number(tag[1]) * 3600 + Number(tag[2]) * 60 + Number(tag[3]);
  return Math.max(0, endS - Math.max(0, finiteNumber(stream.start_time) ?? 0));
}

function ratio(text: string | undefined): number {
  const [above, below = '1'] = (text ?? '').split('/');
  const value = Number(above) / Number(below);
  return Number.isFinite(value) && value > 0 ? value : 0;
}

/** ffprobe tells the display matrix's angle counter-clockwise. */
function clockwiseRotation(stream: ProbeStream): number {
  const angle = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const quarters = Math.round(-angle / 90);
  return (((quarters % 4) + 4) % 4) * 90;
}
