import { badInput } from '@soundstage/core';
import { pictureAt, SHORTEST_S, soundAt, type Join, type Line, type SoundPiece } from './time-map.js';

/** The loudness of a sound by time: mean squares of frames of 10 ms from the file's zero on; 3 MB an hour. */
export type Envelope = Float64Array;

export interface JoinOptions {
  pieces: readonly SoundPiece[];
  lines: readonly Line[];
  /** On the sound's clock. */
  speech: readonly { startS: number; endS: number }[];
  envelope: Envelope;
}

/** How far from a break its join may lie. */
const REACH_S = 2;
const STEP_S = 0.01;
/** A join needs quiet this far around it. */
const AROUND_S = 0.05;
/** A place in speech must be so much quieter than one outside to be taken, and one a second further away. */
const SPEECH_DB = 30;
const DB_PER_SECOND = 3;
/** Digital silence, to which everything below −90 dBFS counts. */
const FLOOR = 1e-9;
/** How far a quiet place goes on: to where it is 6 dB louder, at most half a second each way. */
const TONE_RISE = 4;
const TONE_REACH_S = 0.5;

/**
 * Finds for each break the quietest place within 2 s, outside of speech where there is one. Sound that has to be left
 * out is taken where it is least heard; sound that has to be put in goes where it is quiet, and sounds like that place.
 * Throws BAD_INPUT where a piece is too short for the jump before it.
 */
export function findJoins({ pieces, lines, speech, envelope }: JoinOptions): Join[] {
  const joins: Join[] = [];
  for (let index = 1; index < pieces.length; index++) {
    const breakS = (pieces[index] as SoundPiece).startS;
    const before = lines[index - 1] as Line;
    const after = lines[index] as Line;
    const jumpS = soundAt(after, breakS) - soundAt(before, breakS);
    const gapS = Math.max(0, -jumpS);
    const earliestS = Math.max(breakS - REACH_S, (joins.at(-1)?.enterS ?? 0) + SHORTEST_S);
    const endS = index === pieces.length - 1 ? Infinity : (pieces[index] as SoundPiece).endS;
    const latestS = Math.min(breakS + REACH_S, endS - gapS - SHORTEST_S);
    if (latestS < earliestS) {
      throw badInput(
        `The piece of sound from ${breakS.toFixed(2)} s on is too short for a jump of ${Math.round(jumpS * 1000)} ms: leave it out.`,
        'pieces',
      );
    }
    const steps = Math.floor((latestS - earliestS) / STEP_S);
    let best = { cost: Infinity, leaveS: earliestS };
    for (let step = 0; step <= steps; step++) {
      // From the break outwards, so that of equal places the nearest is taken.
      const leaveS = nearFirst(breakS, earliestS, latestS, step);
      const fromS = soundAt(before, leaveS) - AROUND_S;
      const toS = soundAt(before, leaveS) + Math.max(0, jumpS) + AROUND_S;
      const talks = speech.some((span) => span.startS < toS && span.endS > fromS);
      const cost =
        10 * Math.log10(meanEnergy(envelope, fromS, toS) + FLOOR) +
        DB_PER_SECOND * Math.abs(leaveS - breakS) +
        (talks ? SPEECH_DB : 0);
      if (cost < best.cost - 1e-9) best = { cost, leaveS };
    }
    joins.push(joinAt(best.leaveS, { before, after, gapS, envelope }));
  }
  return joins;
}

function joinAt(
  leaveS: number,
  { before, after, gapS, envelope }: { before: Line; after: Line; gapS: number; envelope: Envelope },
): Join {
  const soundS = soundAt(before, leaveS);
  const enterS = gapS > 0 ? pictureAt(after, soundS) : leaveS;
  const louder = TONE_RISE * (meanEnergy(envelope, soundS - AROUND_S, soundS + AROUND_S) + FLOOR);
  let startS = soundS - AROUND_S;
  let endS = soundS + AROUND_S;
  while (
    startS - STEP_S > Math.max(0, soundS - TONE_REACH_S) &&
    meanEnergy(envelope, startS - STEP_S, startS) <= louder
  )
    startS -= STEP_S;
  while (endS + STEP_S < soundS + TONE_REACH_S && meanEnergy(envelope, endS, endS + STEP_S) <= louder) endS += STEP_S;
  return { leaveS, enterS: Math.max(leaveS, enterS), tone: { startS: Math.max(0, startS), endS } };
}

function nearFirst(breakS: number, earliestS: number, latestS: number, step: number): number {
  const centreS = Math.min(latestS, Math.max(earliestS, breakS));
  const below = Math.floor((centreS - earliestS) / STEP_S);
  const above = Math.floor((latestS - centreS) / STEP_S);
  const both = 2 * Math.min(below, above);
  if (step <= both) return centreS + STEP_S * (step % 2 === 0 ? -step / 2 : (step + 1) / 2);
  const far = step - both / 2;
  return centreS + STEP_S * (above > below ? Math.min(far, above) : -Math.min(far, below));
}

/** Mean square of a stretch; what lies outside of the envelope is silent. */
function meanEnergy(envelope: Envelope, fromS: number, toS: number): number {
  const first = Math.floor(fromS / STEP_S + 1e-6);
  const last = Math.max(first + 1, Math.ceil(toS / STEP_S - 1e-6));
  let sum = 0;
  for (let k = Math.max(0, first); k < Math.min(last, envelope.length); k++) sum += envelope[k] as number;
  return sum / (last - first);
}

/** The loudness of mono samples. */
export async function envelopeOf(blocks: AsyncIterable<Float32Array>, sampleRateHz: number): Promise<Envelope> {
  const frame = Math.round(STEP_S * sampleRateHz);
  let energy = new Float64Array(1024);
  let frames = 0;
  let n = 0;
  let sum = 0;
  for await (const block of blocks) {
    for (const sample of block) {
      sum += sample * sample;
      if (++n % frame !== 0) continue;
      if (frames === energy.length) {
        const larger = new Float64Array(2 * frames);
        larger.set(energy);
        energy = larger;
      }
      energy[frames++] = sum / frame;
      sum = 0;
    }
  }
  return energy.subarray(0, frames);
}
