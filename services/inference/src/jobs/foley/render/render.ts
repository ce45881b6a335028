import type { EndlessSource } from './beds.js';
import type { Recording } from '../palette/palette.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';
import type { Bed, Hit, SoundPlan } from './sound.js';

/** Frames of one block: a tenth of a second. */
export const BLOCK_FRAMES = 4800;
/** What still rings when the picture ends is faded, not cut. */
const END_FADE_FRAMES = 0.03 * SAMPLE_RATE_HZ;
/** A sound whose lead would begin before the film is let in this gently, so that it doesn't begin with a step. */
const EARLY_FADE_FRAMES = 0.002 * SAMPLE_RATE_HZ;
const SHORTEST_FADE_FRAMES = 8; // too short to soften an attack at the very start
/** A sound is made this long before its onset. No lead can be longer: more of it is left out. */
const LONGEST_LEAD_FRAMES = 0.5 * SAMPLE_RATE_HZ;
/** Beds come and go in this time; two that change places at one time then add to an even power. */
const BED_FADE_S = 0.3;
/** A bed that ends this near to the film's end ends with it. */
const WHOLE_FILM_S = 0.05;
/** How far a bed may lean to a side. It keeps its width: only the balance changes. */
const BED_LEAN = 0.5;
/** 6 dB between the sides at most: what strikes stays one thing with the picture. */
const HIT_LEAN = 0.408;
/** Each hit is this much brighter or duller than the recording at most: about 1 dB at the top, which nobody hears. */
const MOST_TILT = 0.06;

/** A hit that sounds now. */
interface Sounding {
  hit: Hit;
  recording: Recording;
  /** Of the recording. May be negative. */
  startFrame: number;
  /** From here it is heard. */
  heardFrame: number;
  endFrame: number;
  left: number;
  right: number;
  tilt: number;
  fadeInFrames: number;
}

/**
 * Renders a plan block by block: interleaved stereo float32 at 48 kHz, BLOCK_FRAMES each, the last one shorter.
 * Each hit's sound is made shortly before it is heard and dropped when it has ended, so that memory is that of what
 * sounds at one time, however long the film.
 */
export function* render(plan: SoundPlan): Generator<Float32Array> {
  const totalFrames = Math.round(plan.durationS * SAMPLE_RATE_HZ);
  const hits = [...plan.hits].sort((a, b) => a.timeS - b.timeS);
  const beds = plan.beds.map((bed) => sourceOf(bed, plan.durationS));
  let sounding: Sounding[] = [];
  let nextHit = 0;
  for (let from = 0; from < totalFrames; from += BLOCK_FRAMES) {
    const frames = Math.min(BLOCK_FRAMES, totalFrames - from);
    const block = new Float32Array(frames * 2);
    const due = (from + frames + LONGEST_LEAD_FRAMES) / SAMPLE_RATE_HZ;
    while (nextHit < hits.length && hits[nextHit]!.timeS < due) sounding.push(begin(hits[nextHit++]!));
    for (const each of sounding) addHit(block, from, each);
    sounding = sounding.filter((each) => each.endFrame > from + frames);
    for (const bed of beds) addBed(block, from, bed);
    fadeEnd(block, from, totalFrames);
    yield block;
  }
}

/** The recording's first sample falls before the onset by the recording's own lead. */
function begin(hit: Hit): Sounding {
  const recording = hit.sound();
  const onsetFrame = hit.timeS * SAMPLE_RATE_HZ;
  const startFrame = Math.round(onsetFrame - recording.onsetFrame / hit.rate);
  const heardFrame = Math.max(0, startFrame, Math.ceil(onsetFrame - LONGEST_LEAD_FRAMES));
  const leadFrames = Math.max(SHORTEST_FADE_FRAMES, Math.floor(onsetFrame) - heardFrame);
  const angle = (Math.PI / 4) * (1 + HIT_LEAN * Math.max(-1, Math.min(1, hit.side)));
  return {
    hit,
    recording,
    startFrame,
    heardFrame,
    endFrame: startFrame + Math.floor((recording.pcm.length / 2 - 3) / hit.rate),
    left: hit.gain * Math.SQRT2 * Math.cos(angle),
    right: hit.gain * Math.SQRT2 * Math.sin(angle),
    tilt: tiltAt(hit.timeS),
    fadeInFrames: heardFrame > startFrame ? Math.min(EARLY_FADE_FRAMES, leadFrames) : 0,
  };
}

/**
 * Another tint for each place in the film, so that no two blows are the same even where one recording is played at one
 * speed. It hangs on the time alone: a hit that is edited changes no other. Multiples of the golden ratio spread evenly
 * and never meet.
 */
function tiltAt(timeS: number): number {
  const turns = Math.round(timeS * SAMPLE_RATE_HZ) * 0.618_033_988_749_894_8;
  return MOST_TILT * (2 * (turns - Math.floor(turns)) - 1);
}

function addHit(block: Float32Array, from: number, sounding: Sounding): void {
  const { startFrame, heardFrame, endFrame, fadeInFrames, hit } = sounding;
  const first = Math.max(0, heardFrame - from);
  const last = Math.min(block.length / 2, endFrame - from);
  const faded = Math.min(last, heardFrame + fadeInFrames - from);
  const place = from - startFrame;
  for (let frame = first; frame < faded; frame++) {
    const gain = (from + frame - heardFrame) / fadeInFrames;
    addPitched(block, frame, frame + 1, place, gain, sounding);
  }
  const rest = Math.max(first, faded);
  if (hit.rate === 1) addAsRecorded(block, rest, last, place, sounding);
  else addPitched(block, rest, last, place, 1, sounding);
}

/** place: of the block's frame 0 in the recording, at the recording's own speed. */
function addAsRecorded(
  block: Float32Array,
  first: number,
  last: number,
  place: number,
  { recording: { pcm }, left, right, tilt }: Sounding,
): void {
  for (let frame = first; frame < last; frame++) {
    const at = (place + frame) * 2;
    const [nowLeft, nowRight] = [pcm[at]!, pcm[at + 1]!];
    const [lastLeft, lastRight] = at > 0 ? [pcm[at - 2]!, pcm[at - 1]!] : [0, 0];
    block[frame * 2]! += left * (nowLeft + tilt * (nowLeft - lastLeft));
    block[frame * 2 + 1]! += right * (nowRight + tilt * (nowRight - lastRight));
  }
}

/**
 * Played at the hit's speed with a four-point, third-order Hermite (Niemitalo 2001): its images lie far below a
 * recording's noise at these small pitch changes.
 */
function addPitched(
  block: Float32Array,
  first: number,
  last: number,
  place: number,
  gain: number,
  { recording: { pcm }, left, right, tilt, hit: { rate } }: Sounding,
): void {
  const { floor } = Math;
  for (let frame = first; frame < last; frame++) {
    const exact = (place + frame) * rate;
    const whole = floor(exact);
    const part = exact - whole;
    for (let channel = 0; channel < 2; channel++) {
      const at = whole * 2 + channel;
      const now = pcm[at]!;
      const before = whole > 0 ? pcm[at - 2]! : 0;
      const next = pcm[at + 2]!;
      const after = pcm[at + 4]!;
      const slope = 0.5 * (next - before);
      const a = before - 2.5 * now + 2 * next - 0.5 * after;
      const b = 0.5 * (after - before) + 1.5 * (now - next);
      const value = ((b * part + a) * part + slope) * part + now;
      block[frame * 2 + channel]! += gain * (channel === 0 ? left : right) * (value + tilt * (value - before));
    }
  }
}

interface SoundingBed {
  bed: Bed;
  /** There from the first frame that is heard to the last: a film may have a bed for each of a thousand scenes. */
  source: EndlessSource | undefined;
  startFrame: number;
  endFrame: number;
  fadeIn: boolean;
  fadeOut: boolean;
  left: number;
  right: number;
}

function sourceOf(bed: Bed, durationS: number): SoundingBed {
  const { startS = 0, endS = durationS, gainDb = 0, pan = 0 } = bed;
  const gain = 10 ** (gainDb / 20);
  const angle = (Math.PI / 4) * (1 + BED_LEAN * Math.max(-1, Math.min(1, pan)));
  return {
    bed,
    source: undefined,
    startFrame: Math.round((startS - BED_FADE_S / 2) * SAMPLE_RATE_HZ),
    endFrame: Math.round((endS + BED_FADE_S / 2) * SAMPLE_RATE_HZ),
    fadeIn: startS > 0,
    fadeOut: endS < durationS - WHOLE_FILM_S,
    left: gain * Math.SQRT2 * Math.cos(angle),
    right: gain * Math.SQRT2 * Math.sin(angle),
  };
}

function addBed(block: Float32Array, from: number, sounding: SoundingBed): void {
  const { bed, startFrame, endFrame, fadeIn, fadeOut, left, right } = sounding;
  const { levels, levelRateHz, levelsFromS = 0 } = bed;
  const first = fadeIn ? Math.max(0, startFrame - from) : 0;
  const last = fadeOut ? Math.min(block.length / 2, endFrame - from) : block.length / 2;
  if (first >= last) {
    if (last <= 0) sounding.source = undefined;
    return;
  }
  sounding.source ??= bed.source();
  const source = sounding.source(last - first);
  const fadeFrames = BED_FADE_S * SAMPLE_RATE_HZ;
  for (let frame = first; frame < last; frame++) {
    const now = from + frame;
    const place = Math.max(0, (now / SAMPLE_RATE_HZ - levelsFromS) * levelRateHz);
    const step = Math.min(Math.floor(place), levels.length - 1);
    const here = levels[step] ?? 0;
    let level = here + ((levels[step + 1] ?? here) - here) * (place - step);
    if (fadeIn && now - startFrame < fadeFrames) level *= Math.sin((Math.PI / 2) * ((now - startFrame) / fadeFrames));
    if (fadeOut && endFrame - now < fadeFrames) level *= Math.sin((Math.PI / 2) * ((endFrame - now) / fadeFrames));
    block[frame * 2]! += level * left * source[(frame - first) * 2]!;
    block[frame * 2 + 1]! += level * right * source[(frame - first) * 2 + 1]!;
  }
}

function fadeEnd(block: Float32Array, from: number, totalFrames: number): void {
  const first = Math.max(0, totalFrames - END_FADE_FRAMES - from);
  for (let frame = first; frame < block.length / 2; frame++) {
    const left = totalFrames - (from + frame);
    block[frame * 2]! *= left / END_FADE_FRAMES;
    block[frame * 2 + 1]! *= left / END_FADE_FRAMES;
  }
}
