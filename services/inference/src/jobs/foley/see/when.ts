import { asFloat32, float32, type OpenModel } from '@soundstage/models';
import type { MotionBatch } from './motion.js';

/** A moment at which something starts to sound. */
export interface Onset {
  timeS: number;
  /** 0 to 1, relative to the strongest of the clip. */
  strength: number;
  /** Where it moves: −1 left edge, 1 right edge of the picture. */
  side: number;
  /** 0 to 1: how sure the onset model is. */
  confidence: number;
}

/** When the clip sounds, and how loud. */
export interface Timing {
  onsets: Onset[];
  /** 0 to 1, at GRID_RATE_HZ from time 0. */
  envelope: Float32Array;
  /** How far the onsets can be trusted, 0 to 1, as the onset model says; undefined where it found none. */
  trust: number | undefined;
  /** When the picture changes to another one. */
  cutsS: readonly number[];
  /** Whether anything moves in a part of the clip. */
  movesBetween(fromS: number, untilS: number): boolean;
}

export const GRID_RATE_HZ = 50;
const WINDOW_S = 60;
const MARGIN_S = 4; // more than the onset model sees to each side
/** Frame widths a second. What camera noise alone gives stays below; a hand that taps is above 0.3. */
const LEAST_SPEED = 0.04;
/** A blow is as loud as what moved just before it was fast. */
const SWING_BEFORE_S = 0.25;
const SWING_AFTER_S = 0.06;

const NEAR_CUT_S = 0.07;

/** What moves between two frames. */
interface Moment {
  timeS: number;
  speed: number;
  side: number;
}

/** Takes motion as it comes, so that a clip of any length needs the memory of about a minute of it. */
export interface TimeKeeper {
  add(batch: MotionBatch): Promise<void>;
  finish(durationS: number): Promise<Timing>;
}

/**
 * Finds onsets and the envelope by the onset model, window by window.
 *
 * model: features [T, C], times_s [T], grid_s [G] → onset, peak, envelope [G] and trust [1]; its card gives `threshold`
 * and `min_gap_s`.
 */
export function keepTime(model: OpenModel, signal?: AbortSignal): TimeKeeper {
  const threshold = cardNumber(model, 'threshold');
  const minGapS = cardNumber(model, 'min_gap_s');
  let batches: MotionBatch[] = [];
  let heardUntilS = 0;
  let work: Promise<void> = Promise.resolve();
  const found: { timeS: number; height: number }[] = [];
  const envelope: Float32Array[] = [];
  const track: Moment[] = [];
  const cutsS: number[] = [];
  const trusts: { trust: number; onsets: number }[] = [];

  const listen = async (fromS: number, untilS: number): Promise<void> => {
    const first = Math.round(Math.max(0, fromS - MARGIN_S) * GRID_RATE_HZ);
    const last = Math.round((untilS + MARGIN_S) * GRID_RATE_HZ);
    const window = joined(batches, fromS - MARGIN_S, untilS + MARGIN_S);
    const from = Math.round(fromS * GRID_RATE_HZ);
    const until = Math.round(untilS * GRID_RATE_HZ);
    if (window.timesS.length === 0) {
      envelope.push(new Float32Array(until - from));
      return;
    }
    const gridS = Float32Array.from({ length: last - first }, (_, i) => (first + i) / GRID_RATE_HZ);
    const answer = await model.run(
      {
        features: float32(window.features, window.timesS.length, window.channels),
        times_s: float32(window.timesS, window.timesS.length),
        grid_s: float32(gridS, gridS.length),
      },
      { signal },
    );
    const onset = asFloat32(answer['onset']);
    const peak = asFloat32(answer['peak']);
    const before = found.length;
    for (let step = from; step < until; step++) {
      const i = step - first;
      if (peak[i]! >= threshold)
        found.push({ timeS: (step + betweenSteps(onset, i)) / GRID_RATE_HZ, height: peak[i]! });
    }
    trusts.push({ trust: asFloat32(answer['trust'])[0]!, onsets: found.length - before });
    envelope.push(asFloat32(answer['envelope']).slice(from - first, until - first));
  };

  return {
    async add(batch) {
      await work;
      batches.push(batch);
      for (let i = 0; i < batch.timesS.length; i++) {
        const timeS = batch.timesS[i]!;
        if (batch.cuts[i]!) cutsS.push(timeS);
        else track.push({ timeS, speed: batch.speeds[i]!, side: batch.sides[i]! });
      }
      const lastS = batch.timesS.at(-1) ?? 0;
      // The last window is left to finish(), so that it is never shorter than it need be.
      if (lastS < heardUntilS + 2 * WINDOW_S + MARGIN_S) return;
      const fromS = heardUntilS;
      heardUntilS += WINDOW_S;
      work = listen(fromS, heardUntilS).then(() => {
        batches = batches.filter((b) => (b.timesS.at(-1) ?? 0) >= heardUntilS - MARGIN_S);
      });
      work.catch(() => undefined); // whoever comes next awaits it and gets the error
    },
    async finish(durationS) {
      await work;
      if (durationS > heardUntilS) await listen(heardUntilS, durationS);
      const moving = track.filter(({ speed }) => speed >= LEAST_SPEED);
      const onsets = moving.length > 0 ? withStrengths(apart(notCuts(found, cutsS), minGapS), track, durationS) : [];
      return {
        onsets,
        envelope: concatenated(envelope),
        trust: onsets.length === 0 ? undefined : meanTrust(trusts),
        cutsS,
        movesBetween: (fromS, untilS) => moving.some(({ timeS }) => timeS >= fromS && timeS < untilS),
      };
    },
  };
}

/** Over the windows, each by what was found in it. */
function meanTrust(trusts: readonly { trust: number; onsets: number }[]): number | undefined {
  const all = trusts.reduce((sum, { onsets }) => sum + onsets, 0);
  return all === 0 ? undefined : trusts.reduce((sum, { trust, onsets }) => sum + trust * onsets, 0) / all;
}

/** The place of the top between grid steps, −0.5 to 0.5, of the parabola through a peak and its neighbours. */
function betweenSteps(onset: Float32Array, peak: number): number {
  const [before, top, after] = [onset[peak - 1] ?? 0, onset[peak]!, onset[peak + 1] ?? 0];
  const bend = before - 2 * top + after;
  return bend < -1e-6 ? Math.max(-0.5, Math.min(0.5, (0.5 * (before - after)) / bend)) : 0;
}

/** A change to another picture looks like a blow to the model, but nothing is struck. */
function notCuts(
  found: { timeS: number; height: number }[],
  cutsS: readonly number[],
): { timeS: number; height: number }[] {
  return found.filter(({ timeS }) => !cutsS.some((cutS) => Math.abs(timeS - cutS) <= NEAR_CUT_S));
}

/** Of peaks closer than minGapS, the higher one stays. */
function apart(found: { timeS: number; height: number }[], minGapS: number): { timeS: number; height: number }[] {
  const kept: { timeS: number; height: number }[] = [];
  for (const peak of found) {
    const last = kept.at(-1);
    if (last === undefined || peak.timeS - last.timeS >= minGapS) kept.push(peak);
    else if (peak.height > last.height) kept[kept.length - 1] = peak;
  }
  return kept;
}

function withStrengths(
  found: { timeS: number; height: number }[],
  track: readonly Moment[],
  durationS: number,
): Onset[] {
  let start = 0;
  const raw = found
    .filter(({ timeS }) => timeS >= 0 && timeS < durationS)
    .map(({ timeS, height }) => {
      while (start < track.length && track[start]!.timeS < timeS - SWING_BEFORE_S) start++;
      let fastest = { speed: 0, side: 0 };
      for (let i = start; i < track.length && track[i]!.timeS <= timeS + SWING_AFTER_S; i++) {
        if (track[i]!.speed > fastest.speed) fastest = track[i]!;
      }
      return { timeS, force: Math.sqrt(height * fastest.speed), side: fastest.side, height };
    });
  const strongest = raw.reduce((most, { force }) => Math.max(most, force), 1e-6);
  return raw.map(({ timeS, force, side, height }) => ({
    timeS,
    strength: Math.max(0.05, force / strongest),
    side,
    confidence: Math.min(1, height),
  }));
}

function joined(
  batches: readonly MotionBatch[],
  fromS: number,
  untilS: number,
): Pick<MotionBatch, 'features' | 'timesS' | 'channels'> {
  const channels = batches[0]?.channels ?? 0;
  const rows: Float32Array[] = [];
  const times: number[] = [];
  for (const batch of batches) {
    batch.timesS.forEach((timeS, row) => {
      if (timeS < fromS || timeS > untilS) return;
      times.push(timeS);
      rows.push(batch.features.subarray(row * channels, (row + 1) * channels));
    });
  }
  return { channels, timesS: Float32Array.from(times), features: concatenated(rows) };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function cardNumber(model: OpenModel, field: string): number {
  const value = model.card[field];
  if (typeof value !== 'number')
    throw new TypeError(`The card of ${model.card.name}/${model.card.version} lacks the number \`${field}\`.`);
  return value;
}
