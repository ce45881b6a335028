import { globalOptions, guardOptions } from './command-line.js';
import type { MediaLimits } from './limits.js';
import type { MediaFile } from './media-file.js';
import { startProcess } from './process.js';

/** Files up to this length are read whole; of longer ones the first packets and the end. */
const WHOLE_FILE_S = 60;
const HEAD_PACKETS = 400;
const TAIL_S = 3;
/** The end of the head isn't in order of presentation yet where pictures refer to later ones. */
const REORDERED_PACKETS = 16;

/** What the time stamps of the picture's packets tell; times on the container's own clock. */
export interface PacketTimes {
  /** Whether every packet was seen. */
  whole: boolean;
  /** Number of packets that were seen. */
  count: number;
  /** First presentation time. */
  startS: number;
  /** End of the last picture that was seen. */
  endS: number;
  /** Whether the end of a long file holds pictures. */
  tailSeen: boolean;
  /** Pictures a second, measured. */
  frameRate: number;
  variableFrameRate: boolean;
}

export interface StreamToRead {
  index: number;
  containerStartS: number;
  containerDurationS: number;
}

/** Reads the time stamps of one stream without decoding it. Undefined where no packet has a time. */
export async function readPacketTimes(
  file: MediaFile,
  stream: StreamToRead,
  options: { limits: MediaLimits; timeLimitS: number; signal: AbortSignal | undefined },
): Promise<PacketTimes | undefined> {
  const tailFromS = stream.containerStartS + stream.containerDurationS - TAIL_S;
  const whole = stream.containerDurationS <= WHOLE_FILE_S;
  const head: number[] = [];
  let count = 0;
  let last = { timeS: -Infinity, endS: -Infinity, durationS: 0 };
  let tailSeen = false;

  const child = await startProcess({
    program: 'ffprobe',
    args: [
      ...globalOptions('error'),
      ...guardOptions(options.limits),
      ...['-select_streams', String(stream.index), '-show_entries', 'packet=pts_time,dts_time,duration_time,flags'],
      ...['-of', 'compact=p=0'],
      ...(whole ? [] : ['-read_intervals', `%+#${HEAD_PACKETS},${tailFromS.toFixed(3)}%`]),
      'file:/dev/fd/3',
    ],
    files: [file],
    timeLimitS: options.timeLimitS,
    limits: options.limits,
    subject: file.name,
    signal: options.signal,
    onOutputLine: (line) => {
      const packet = parsePacket(line);
      if (packet === undefined) return;
      count += 1;
      if (whole || count <= HEAD_PACKETS) head.push(packet.timeS);
      if (count > HEAD_PACKETS || whole) tailSeen ||= packet.timeS >= tailFromS;
      if (packet.timeS > last.timeS) last = { ...packet, endS: packet.timeS + packet.durationS };
    },
  });
  await child.done;
  if (count === 0) return undefined;

  const inOrder = head.sort((a, b) => a - b);
  const settled = !whole && inOrder.length > 2 * REORDERED_PACKETS ? inOrder.slice(0, -REORDERED_PACKETS) : inOrder;
  const startS = settled[0] as number;
  const spanS = (settled.at(-1) as number) - startS;
  const frameRate = spanS > 0 ? (settled.length - 1) / spanS : 0;
  const lastDurationS = last.durationS > 0 ? last.durationS : frameRate > 0 ? 1 / frameRate : 0;
  return {
    whole,
    count,
    startS,
    endS: last.timeS + lastDurationS,
    tailSeen,
    frameRate,
    variableFrameRate: varies(settled),
  };
}

function parsePacket(line: string): { timeS: number; durationS: number } | undefined {
  const fields = new Map(line.split('|').map((field) => field.split('=', 2) as [string, string]));
  // Packets marked D are decoded but, by the edit list, not shown.
  if (fields.get('flags')?.includes('D')) return undefined;
  const times = [fields.get('pts_time'), fields.get('dts_time')].map(Number);
  const timeS = times.find((time) => Number.isFinite(time));
  if (timeS === undefined) return undefined;
  const durationS = Number(fields.get('duration_time'));
  return { timeS, durationS: Number.isFinite(durationS) ? durationS : 0 };
}

/** Whether steps differ by more than rounding to a millisecond (Matroska) or a tick explains. */
function varies(times: readonly number[]): boolean {
  if (times.length < 3) return false;
  const steps = times.slice(1).map((time, index) => time - (times[index] as number));
  const median = steps.toSorted((a, b) => a - b)[steps.length >> 1] as number;
  const tolerance = Math.max(0.0021, 0.05 * median);
  return steps.some((step) => Math.abs(step - median) > tolerance);
}
