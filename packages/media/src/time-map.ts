import { badInput } from '@soundstage/core';

/** A stretch of the picture whose sound is late by a constant or by what drifts evenly. */
export interface SoundPiece {
  /** Of the picture, in seconds after the file's zero. */
  startS: number;
  endS: number;
  /** By how much the sound is late at the piece's middle; below 0 it is early. At most ±10 000. */
  offsetMs: number;
  /** By how many microseconds the sound gets later each second. At most ±5000. */
  driftPpm: number;
}

const MAX_OFFSET_MS = 10_000;
const MAX_DRIFT_PPM = 5000;
/** Pieces may lie this far from each other and from the picture's ends. */
const TOUCHING_S = 0.05;
/** What must be heard of a piece between its joins. */
export const SHORTEST_S = 0.25;

/** Where the sound of a picture's time lies: `slope × t + atZeroS`. */
export interface Line {
  slope: number;
  atZeroS: number;
}

/** Where the sound goes over from one piece to the next. */
export interface Join {
  /** Until when, on the picture's clock, the piece before is heard. */
  leaveS: number;
  /** From when on the piece after is heard. Later than `leaveS` where sound has to be put in. */
  enterS: number;
  /** What is put in between, on the sound's clock: a quiet place. */
  tone: { startS: number; endS: number };
}

/** A stretch of the new sound. */
export interface Run {
  /** On the picture's clock; the first begins at 0, the last has no end. */
  startS: number;
  endS: number;
  /** Where its sound lies, or the quiet place that is repeated. */
  source: Line | { startS: number; endS: number };
}

export function isLine(source: Run['source']): source is Line {
  return 'slope' in source;
}

/** Throws BAD_INPUT for pieces that don't cover the picture one after the other or go beyond ±10 s or ±5000 ppm. */
export function checkPieces(pieces: readonly SoundPiece[], pictureEndS: number): void {
  const bad = (words: string) => badInput(`The pieces of sound ${words}.`, 'pieces');
  if (pieces.length === 0) throw bad('are missing: at least one is needed');
  for (const { startS, endS, offsetMs, driftPpm } of pieces) {
    if (!(Number.isFinite(startS) && Number.isFinite(endS) && endS > startS))
      throw bad('must each end after they start');
    if (!(Math.abs(offsetMs) <= MAX_OFFSET_MS)) throw bad(`may be late or early by at most ${MAX_OFFSET_MS} ms`);
    if (!(Math.abs(driftPpm) <= MAX_DRIFT_PPM)) throw bad(`may drift by at most ${MAX_DRIFT_PPM} ppm`);
  }
  const first = pieces[0] as SoundPiece;
  const last = pieces.at(-1) as SoundPiece;
  if (first.startS > TOUCHING_S)
    throw bad(`begin at ${first.startS.toFixed(2)} s; they must cover the picture from 0 on`);
  if (last.endS < pictureEndS - TOUCHING_S) {
    throw bad(`end at ${last.endS.toFixed(2)} s; the picture ends at ${pictureEndS.toFixed(2)} s`);
  }
  pieces.slice(1).forEach((piece, index) => {
    const before = pieces[index] as SoundPiece;
    if (Math.abs(piece.startS - before.endS) <= TOUCHING_S) return;
    throw bad(
      `must follow each other without gaps: one ends at ${before.endS.toFixed(2)} s, the next begins at ${piece.startS.toFixed(2)} s`,
    );
  });
}

/** Where a piece's sound lies. A piece that doesn't drift is moved by whole samples, so that they stay as they are. */
export function lineOf({ startS, endS, offsetMs, driftPpm }: SoundPiece, sampleRateHz: number): Line {
  const middleS = (startS + endS) / 2;
  const drift = driftPpm * 1e-6;
  const atZeroS = offsetMs / 1000 - drift * middleS;
  return { slope: 1 + drift, atZeroS: drift === 0 ? Math.round(atZeroS * sampleRateHz) / sampleRateHz : atZeroS };
}

export const soundAt = ({ slope, atZeroS }: Line, pictureS: number) => slope * pictureS + atZeroS;
export const pictureAt = ({ slope, atZeroS }: Line, soundS: number) => (soundS - atZeroS) / slope;

/** The new sound from its beginning to its end: pieces between joins, and what is put in at them. */
export function runsOf(lines: readonly Line[], joins: readonly Join[]): Run[] {
  return lines.flatMap((line, index): Run[] => {
    const before = joins[index - 1];
    const after = joins[index];
    const run: Run = { startS: before?.enterS ?? 0, endS: after?.leaveS ?? Infinity, source: line };
    if (after === undefined || after.enterS <= after.leaveS) return [run];
    return [run, { startS: after.leaveS, endS: after.enterS, source: after.tone }];
  });
}
