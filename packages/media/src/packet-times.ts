import { globalOptions, guardOptions } from './command-line.js';
import type { MediaLimits } from './limits.js';
import type { MediaFile } from './media-file.js';
import type { ProbePacket } from './probe-output.js';
import { runProcess } from './process.js';

const TAIL_S = 3;
/** The end of a part isn't in order of presentation yet where pictures refer to later ones. */
const REORDERED_PACKETS = 16;

/** What the time stamps of the picture's packets tell; times on the container's own clock. */
export interface PacketTimes {
  /** Number of packets that were seen. */
  count: number;
  /** First presentation time. */
  startS: number;
  /** End of the last picture that was seen. */
  endS: number;
  /** Pictures a second, measured. */
  frameRate: number;
  variableFrameRate: boolean;
}

/**
 * Times of a picture from its first packets (`whole`: from all of them) and, for long files, from its last ones.
 * Undefined where no packet has a time.
 */
export function packetTimes(
  first: readonly ProbePacket[],
  last: readonly ProbePacket[],
  whole: boolean,
): PacketTimes | undefined {
  const head = first.flatMap((packet) => shownTime(packet) ?? []);
  const shown = [...head, ...last.flatMap((packet) => shownTime(packet) ?? [])];
  const latest = shown.reduce((best, time) => (time.timeS > best.timeS ? time : best), shown[0] ?? NOTHING);
  if (head.length === 0) return undefined;

  const inOrder = head.map((time) => time.timeS).sort((a, b) => a - b);
  const settled = !whole && inOrder.length > 2 * REORDERED_PACKETS ? inOrder.slice(0, -REORDERED_PACKETS) : inOrder;
  const startS = settled[0] as number;
  const spanS = (settled.at(-1) as number) - startS;
  const frameRate = spanS > 0 ? (settled.length - 1) / spanS : 0;
  const lastDurationS = latest.durationS > 0 ? latest.durationS : frameRate > 0 ? 1 / frameRate : 0;
  return {
    count: head.length,
    startS,
    endS: latest.timeS + lastDurationS,
    frameRate,
    variableFrameRate: varies(settled),
  };
}

/** The packets of one stream near the end of a file, without decoding. */
export async function readLastPackets(
  file: MediaFile,
  stream: { index: number; containerEndS: number },
  options: { limits: MediaLimits; timeLimitS: number; signal: AbortSignal | undefined },
): Promise<ProbePacket[]> {
  const { output } = await runProcess({
    program: 'ffprobe',
    args: [
      ...globalOptions('error'),
      ...guardOptions(options.limits),
      ...['-select_streams', String(stream.index), '-show_entries', 'packet=pts_time,dts_time,duration_time,flags'],
      ...['-read_intervals', `${(stream.containerEndS - TAIL_S).toFixed(3)}%`, '-of', 'json', 'file:/dev/fd/3'],
    ],
    files: [file],
    timeLimitS: options.timeLimitS,
    limits: options.limits,
    subject: file.name,
    signal: options.signal,
    maxOutputBytes: 128 * 2 ** 20,
  });
  return (JSON.parse(output) as { packets?: ProbePacket[] }).packets ?? [];
}

const NOTHING = { timeS: -Infinity, durationS: 0 };

function shownTime(packet: ProbePacket): { timeS: number; durationS: number } | undefined {
  // Packets marked D are decoded but, by the edit list, not shown.
  if (packet.flags?.includes('D')) return undefined;
  const timeS = [packet.pts_time, packet.dts_time].map(Number).find((time) => Number.isFinite(time));
  if (timeS === undefined) return undefined;
  const durationS = Number(packet.duration_time);
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
