import { badInput } from '@soundstage/core';
import type { MediaInfo } from './media-info.js';

/** How a part of a file is asked for, in seconds after the file's zero. */
export interface Part {
  startS?: number;
  durationS?: number;
}

export interface PartClock {
  /** Options before `-i`. */
  inputOptions: string[];
  /** What the filters' clock shows at the file's zero: ffmpeg counts from the container's first time stamp. */
  filterZeroS: number;
  /** Length of the part, as far as the headers tell. */
  lengthS: number;
  /** For errors: which part it is. */
  partWords: string;
}

/** Translates between the file's clock (see MediaInfo) and the one of ffmpeg's filters. */
export function clockOf(info: MediaInfo, part: Part): PartClock {
  const startS = part.startS ?? 0;
  if (!Number.isFinite(startS) || startS < 0) throw badInput('startS must be 0 or more.', 'startS');
  if (part.durationS !== undefined && !(Number.isFinite(part.durationS) && part.durationS > 0)) {
    throw badInput('durationS must be above 0.', 'durationS');
  }
  if (startS > 0 && startS >= info.durationS && !info.still) {
    throw badInput(`${info.name} is ${info.durationS.toFixed(2)} s long and has nothing at ${startS} s.`, 'startS');
  }
  const warmUpS = info.startS - info.containerStartS;
  const seekS = startS > 0 && !info.still ? startS + warmUpS : 0;
  const leftS = Math.max(0, info.durationS - startS);
  const readS = part.durationS === undefined ? undefined : part.durationS + (seekS > 0 ? 0 : warmUpS);
  return {
    inputOptions: [
      ...(seekS > 0 ? ['-ss', seekS.toFixed(6)] : []),
      ...(readS === undefined ? [] : ['-t', readS.toFixed(6)]),
    ],
    filterZeroS: warmUpS - seekS,
    lengthS: Math.min(part.durationS ?? Infinity, leftS),
    partWords: startS > 0 || part.durationS !== undefined ? ` from ${startS} s on` : '',
  };
}
