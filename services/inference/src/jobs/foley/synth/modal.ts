import { filter, passBand } from './filter.js';
import { bubble, ring, tick, type Canvas } from './grains.js';
import { FORMS, MATERIALS } from './modal-materials.js';
import type { Body, Burst, Grains, ModalShape, Span } from './modal-shape.js';
import { SYNTHESIS, type Recording } from '../palette/palette.js';
import { seededRandom, type Random } from '../render/random.js';
import { SAMPLE_RATE_HZ } from '../render/sample-rate.js';

export { readModalShape, type ModalShape } from './modal-shape.js';

/** As the palette's struck recordings: their peak, and the lead before the attack. */
const PEAK = 10 ** (-1 / 20);
const LEAD_FRAMES = 48;
/** What an ear takes for the beginning: as the palette's recordings are cut. */
const ATTACK_OF_PEAK = 0.1;
const LONGEST_S = 2.5;
/** Where the sound is left: 66 dB under its peak. */
const END_OF_PEAK = 5e-4;
const END_FADE_S = 0.02;
/** The same for a burst of noise, which is left 65 dB under its beginning. */
const BURST_END_FRAMES = 240;
const MIDDLING = 0.5;
/** Bodies of one class lie a little to the left and right of each other; the thing as a whole stays where it is. */
const WIDTH = 0.3;

export interface StrikeOptions {
  /** 0 to 1. Stronger is brighter, not louder: the hit's gain does that. */
  strength: number;
  /** Where it is struck, how cleanly, which way the shards fall. */
  random: Random;
  /** Size and proportions, which stay from blow to blow. One and the same thing by default. */
  thing?: Random;
}

/**
 * Makes the sound of a blow: stereo at 48 kHz, peak −1 dBFS, the attack at onsetFrame, silence at its end.
 *
 * A struck thing is a bank of damped sines, its modes (van den Doel and Pai, The Sounds of Physical Shapes, Presence
 * 1998), with decays by material (Klatzky, Pai and Krotkov 2000; Traer, Cusimano and McDermott 2019) and levels by
 * where and how hard it is struck. What falls to pieces is many small ones at random times (Cook's PhISM, 1997); water
 * is bubbles (van den Doel, Physically Based Models for Liquid Sounds, 2005).
 */
export function strike(shape: ModalShape, options: StrikeOptions): Recording {
  const { random } = options;
  const strength = Math.max(0.02, Math.min(1, options.strength));
  const frames = Math.ceil((shape.longestS ?? LONGEST_S) * SAMPLE_RATE_HZ);
  const canvas = { left: new Float32Array(frames), right: new Float32Array(frames) };
  const thing = (options.thing ?? seededRandom(0)).branch('thing');
  blow(canvas, 0, 1, shape, strength, thing, random.branch('blow'));
  for (const [index, each] of (shape.grains ?? []).entries())
    scatter(canvas, each, strength, random.branch(`grains${index}`));
  const { again } = shape;
  if (again !== undefined) {
    const chance = random.branch('again');
    const times = Math.round(within(again.times, chance));
    let atS = 0;
    let gapS = within(again.gapMs, chance) / 1000;
    for (let time = 1; time <= times; time++) {
      atS += gapS * chance.between(0.92, 1.08);
      gapS *= again.gapRatio ?? 1;
      const gain = 10 ** ((time * again.gainDb + chance.between(-2, 2)) / 20);
      const softer = Math.max(0.02, strength * Math.sqrt(gain));
      blow(canvas, atS, gain, shape, softer, thing, chance.branch(`${time}`));
    }
  }
  return finished(canvas);
}

/** One touch: the contact's pulse, the bodies that ring from it, the noise around it. */
function blow(
  canvas: Canvas,
  atS: number,
  gain: number,
  shape: ModalShape,
  strength: number,
  thing: Random,
  random: Random,
): void {
  const at = Math.round(atS * SAMPLE_RATE_HZ);
  // Hertz's law has the contact shorten with the fifth root of the speed; what one hears as harder changes more.
  const contactS = ((shape.contactMs ?? 1) / 1000) * Math.sqrt(MIDDLING / strength);
  if (shape.clickDb !== undefined) pulse(canvas, at, contactS, gain * fromDb(shape.clickDb));
  for (const [index, body] of (shape.bodies ?? []).entries()) {
    const same = thing.branch(`body${index}`); // the same numbers at each blow
    ringBody(canvas, at, gain, body, contactS, same, random.branch(`body${index}`));
  }
  for (const [index, burst] of (shape.bursts ?? []).entries())
    addBurst(canvas, at, gain, burst, strength, random.branch(`burst${index}`));
}

/** The surface that is pushed aside radiates the force's change (Chadwick, Zheng and James 2012): one cycle. */
function pulse(canvas: Canvas, at: number, contactS: number, gain: number): void {
  const length = Math.max(3, Math.round(contactS * SAMPLE_RATE_HZ));
  for (let i = 0; i < length && at + i < canvas.left.length; i++) {
    const y = gain * Math.sin((2 * Math.PI * (i + 0.5)) / length);
    canvas.left[at + i]! += y;
    canvas.right[at + i]! += y;
  }
}

function ringBody(
  canvas: Canvas,
  at: number,
  gain: number,
  body: Body,
  contactS: number,
  thing: Random,
  random: Random,
): void {
  const material = MATERIALS[body.material];
  const [low, high] = body.fundamentalHz;
  const fundamentalHz = low * (high / low) ** thing.next() * (1 + random.between(-0.002, 0.002));
  const ratios = (body.ratios ?? FORMS[body.form ?? 'plate'](thing)).slice(0, body.modes ?? 24);
  const split = body.split ?? 0;
  // A blow near a mode's node wakes it little. No two blows fall on one place.
  const place = random.between(0.12, 0.47);
  const modes = ratios.flatMap((ratio, index) => {
    const hz = fundamentalHz * ratio * (1 + thing.between(-0.006, 0.006) + random.between(-0.001, 0.001));
    if (hz > 0.42 * SAMPLE_RATE_HZ) return [];
    const hammer = 1 / (1 + (2 * hz * contactS) ** 2); // envelope of a half-sine force's spectrum, without its zeros
    const there = 0.25 + 0.75 * Math.abs(Math.sin(Math.PI * (index + 1) * place));
    const level = there * hammer * fromDb(material.dbPerOctave * Math.log2(ratio) + random.between(-2.5, 2.5));
    const decay =
      ((material.supportPerS + Math.PI * material.loss * hz) / (body.ring ?? 1)) * random.between(0.93, 1.07);
    const side = WIDTH * thing.between(-1, 1);
    const one = { hz, decay, level, side };
    if (split === 0) return [one];
    const share = random.between(0.35, 0.65);
    return [
      { ...one, level: level * share },
      { ...one, hz: hz * (1 + split * thing.between(0.5, 1)), level: level * (1 - share), side: -side },
    ];
  });
  const power = Math.sqrt(modes.reduce((sum, { level }) => sum + level ** 2, 0));
  const scale = (gain * fromDb(body.gainDb ?? 0)) / (power || 1);
  for (const { hz, decay, level, side } of modes) ring(canvas, at, hz, decay, level * scale, side);
}

function addBurst(
  canvas: Canvas,
  blowFrame: number,
  gain: number,
  burst: Burst,
  strength: number,
  random: Random,
): void {
  const at = blowFrame + Math.round((within(burst.delayMs ?? [0, 0], random) / 1000) * SAMPLE_RATE_HZ);
  const decayFrames = (burst.decayMs / 1000) * SAMPLE_RATE_HZ * random.between(0.85, 1.15);
  const attackFrames = ((burst.attackMs ?? 0) / 1000) * SAMPLE_RATE_HZ;
  const length = Math.min(canvas.left.length - at, Math.ceil(attackFrames + 7.5 * decayFrames));
  if (length <= 0) return;
  const lowHz = burst.lowHz * random.between(0.95, 1.05);
  const highHz = Math.max(lowHz * 1.1, Math.min(21_000, burst.highHz * (strength / MIDDLING) ** 0.4));
  const level = gain * fromDb(burst.gainDb) * Math.sqrt((3 * (SAMPLE_RATE_HZ / 2)) / (highHz - lowHz)) * 0.5;
  const fall = Math.exp(-1 / decayFrames);
  const middle = new Float32Array(length);
  const side = new Float32Array(length);
  let envelope = level;
  for (let i = 0; i < length; i++) {
    // Rises as a parabola, falls exponentially.
    const now = i < attackFrames ? level * (i / attackFrames) ** 2 : (envelope *= fall);
    middle[i] = now * (2 * random.next() - 1);
    side[i] = WIDTH * now * (2 * random.next() - 1);
  }
  filter(passBand({ lowHz, highHz }), middle);
  filter(passBand({ lowHz, highHz }), side);
  for (let i = 0; i < length; i++) {
    const out = length - i < BURST_END_FRAMES ? (length - i) / BURST_END_FRAMES : 1;
    canvas.left[at + i]! += out * (middle[i]! + side[i]!);
    canvas.right[at + i]! += out * (middle[i]! - side[i]!);
  }
}

/** Small sounds at random times, the first one with the blow. */
function scatter(canvas: Canvas, grains: Grains, strength: number, random: Random): void {
  const count = Math.max(1, Math.round(within(grains.count, random) * (0.6 + 0.8 * strength)));
  const startS = within(grains.delayMs ?? [0, 0], random) / 1000;
  const falling = grains.density !== 'even';
  // A strong blow leans towards the high grains.
  const lean = 1.7 - 1.2 * strength;
  const [low, high] = grains.hz;
  for (let n = 0; n < count; n++) {
    const u = n === 0 ? 0 : random.next();
    const share = falling ? -Math.log(1 - u * (1 - Math.exp(-3))) / 3 : u;
    const at = Math.round((startS + share * grains.overS) * SAMPLE_RATE_HZ);
    const hz = low * (high / low) ** (random.next() ** lean);
    const gain = fromDb(within(grains.gainDb, random) - (falling ? 12 * share : 0));
    const side = 2 * WIDTH * random.between(-1, 1);
    if (grains.of === 'ring') ringGrain(canvas, at, hz, gain, side, grains, random);
    else if (grains.of === 'noise') tick(canvas, at, hz, gain, side, grains.decayMs ?? 3, random);
    else bubble(canvas, at, hz, gain, side, random);
  }
}

/** A small thing has few modes, and none like its neighbour's. */
function ringGrain(
  canvas: Canvas,
  at: number,
  hz: number,
  gain: number,
  side: number,
  grains: Grains,
  random: Random,
): void {
  const { loss, supportPerS } = MATERIALS[grains.material ?? 'stone'];
  let modeHz = hz;
  for (let mode = 0; mode < 4 && modeHz < 0.42 * SAMPLE_RATE_HZ; mode++) {
    const decay = ((supportPerS + Math.PI * loss * modeHz) / (grains.ring ?? 1)) * random.between(0.8, 1.25);
    ring(canvas, at, modeHz, decay, gain * 0.7 ** mode * random.between(0.3, 1), side);
    modeHz *= random.between(1.35, 2.1);
  }
}

/** Cuts to what is heard, takes out what the ear can't hear and a loudspeaker can't do, and sets the level. */
function finished({ left, right }: Canvas): Recording {
  withoutDc(left);
  withoutDc(right);
  const peak = Math.max(peakOf(left), peakOf(right));
  const attack = Math.min(firstOver(left, ATTACK_OF_PEAK * peak), firstOver(right, ATTACK_OF_PEAK * peak));
  const last = 1 + Math.max(lastOver(left, END_OF_PEAK * peak), lastOver(right, END_OF_PEAK * peak), attack);
  const from = attack - LEAD_FRAMES; // may lie before the first sample: silence then
  const pcm = new Float32Array((last - from + 8) * 2);
  const scale = peak > 0 ? PEAK / peak : 0;
  for (let frame = Math.max(0, -from); from + frame < last; frame++) {
    pcm[frame * 2] = scale * left[from + frame]!;
    pcm[frame * 2 + 1] = scale * right[from + frame]!;
  }
  if (from > 0) fade(pcm, 0, LEAD_FRAMES / 2, 1);
  fade(pcm, last - from - 1, Math.floor(Math.min(END_FADE_S * SAMPLE_RATE_HZ, (last - attack) / 2)), -1);
  return { ...SYNTHESIS, pcm, onsetFrame: LEAD_FRAMES };
}

/** From nothing at a frame to everything, forth or back. */
function fade(pcm: Float32Array, silentFrame: number, frames: number, step: 1 | -1): void {
  for (let i = 0; i < frames; i++) {
    const gain = 0.5 - 0.5 * Math.cos((Math.PI * i) / frames);
    pcm[(silentFrame + step * i) * 2]! *= gain;
    pcm[(silentFrame + step * i) * 2 + 1]! *= gain;
  }
}

function peakOf(samples: Float32Array): number {
  let peak = 0;
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i]!;
    if (x > peak) peak = x;
    else if (-x > peak) peak = -x;
  }
  return peak;
}

function firstOver(samples: Float32Array, level: number): number {
  let i = 0;
  while (i < samples.length - 1 && samples[i]! < level && samples[i]! > -level) i++;
  return i;
}

function lastOver(samples: Float32Array, level: number): number {
  let i = samples.length - 1;
  while (i > 0 && samples[i]! < level && samples[i]! > -level) i--;
  return i;
}

/** One pole and one zero at 18 Hz. */
function withoutDc(samples: Float32Array): void {
  const keep = 1 - (2 * Math.PI * 18) / SAMPLE_RATE_HZ;
  let before = 0;
  let y = 0;
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i]!;
    y = x - before + keep * y;
    before = x;
    samples[i] = y;
  }
}

function within([low, high]: Span, random: Random): number {
  return random.between(low, high);
}

function fromDb(db: number): number {
  return 10 ** (db / 20);
}
