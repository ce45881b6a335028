import { SAMPLE_RATE_HZ } from './sample-rate.js';
import type { Bed, Hit, SoundPlan } from './sound.js';

/** Frames of one block: a tenth of a second. */
export const BLOCK_FRAMES = 4800;
const END_FADE_S = 0.03;

/**
 * Renders a plan block by block: interleaved stereo float32 at 48 kHz, BLOCK_FRAMES each, the last one shorter.
 * Memory is that of the recordings in use, however long the clip.
 */
export function* render(plan: SoundPlan): Generator<Float32Array> {
  const totalFrames = Math.round(plan.durationS * SAMPLE_RATE_HZ);
  const hits = [...plan.hits].sort((a, b) => startFrame(a) - startFrame(b));
  const beds = plan.beds.map((bed) => ({ bed, next: bed.source() }));
  let sounding: Hit[] = [];
  let nextHit = 0;
  for (let from = 0; from < totalFrames; from += BLOCK_FRAMES) {
    const frames = Math.min(BLOCK_FRAMES, totalFrames - from);
    const block = new Float32Array(frames * 2);
    while (nextHit < hits.length && startFrame(hits[nextHit]!) < from + frames) sounding.push(hits[nextHit++]!);
    for (const hit of sounding) addHit(block, from, hit);
    sounding = sounding.filter((hit) => endFrame(hit) > from + frames);
    for (const { bed, next } of beds) addBed(block, from, bed, next(frames));
    fadeEnd(block, from, totalFrames);
    yield block;
  }
}

/** Where the recording's first sample falls: before the onset by the recording's own lead. May be negative. */
export function startFrame(hit: Hit): number {
  return Math.round(hit.timeS * SAMPLE_RATE_HZ - hit.recording.onsetFrame / hit.rate);
}

function endFrame(hit: Hit): number {
  return startFrame(hit) + Math.floor((hit.recording.pcm.length / 2 - 3) / hit.rate);
}

function addHit(block: Float32Array, from: number, hit: Hit): void {
  const { pcm } = hit.recording;
  const start = startFrame(hit);
  const first = Math.max(0, start - from);
  const last = Math.min(block.length / 2, endFrame(hit) - from);
  const [left, right] = panGains(hit.side);
  for (let frame = first; frame < last; frame++) {
    const place = (from + frame - start) * hit.rate;
    const whole = Math.floor(place);
    const part = place - whole;
    block[frame * 2]! += left * hit.gain * hermite(pcm, whole, 0, part);
    block[frame * 2 + 1]! += right * hit.gain * hermite(pcm, whole, 1, part);
  }
}

/** Four-point, third-order Hermite (Niemitalo 2001): its images lie far below a recording's noise at these small pitch changes. */
function hermite(pcm: Float32Array, frame: number, channel: 0 | 1, part: number): number {
  const now = pcm[frame * 2 + channel]!;
  if (part === 0) return now;
  const before = frame > 0 ? pcm[(frame - 1) * 2 + channel]! : now;
  const next = pcm[(frame + 1) * 2 + channel] ?? 0;
  const after = pcm[(frame + 2) * 2 + channel] ?? 0;
  const slope = 0.5 * (next - before);
  const a = before - 2.5 * now + 2 * next - 0.5 * after;
  const b = 0.5 * (after - before) + 1.5 * (now - next);
  return ((b * part + a) * part + slope) * part + now;
}

/** Equal power, no more than 4 dB between the sides: what strikes stays one thing with the picture. */
function panGains(side: number): [number, number] {
  const angle = (Math.PI / 4) * (1 + 0.3 * Math.max(-1, Math.min(1, side)));
  return [Math.SQRT2 * Math.cos(angle), Math.SQRT2 * Math.sin(angle)];
}

function addBed(block: Float32Array, from: number, bed: Bed, source: Float32Array): void {
  const { levels, levelRateHz } = bed;
  for (let frame = 0; frame < block.length / 2; frame++) {
    const place = ((from + frame) / SAMPLE_RATE_HZ) * levelRateHz;
    const step = Math.min(Math.floor(place), levels.length - 1);
    const here = levels[step] ?? 0;
    const level = here + ((levels[step + 1] ?? here) - here) * (place - step);
    block[frame * 2]! += level * source[frame * 2]!;
    block[frame * 2 + 1]! += level * source[frame * 2 + 1]!;
  }
}

/** What still rings when the picture ends is faded, not cut. */
function fadeEnd(block: Float32Array, from: number, totalFrames: number): void {
  const fadeFrames = END_FADE_S * SAMPLE_RATE_HZ;
  for (let frame = 0; frame < block.length / 2; frame++) {
    const left = totalFrames - (from + frame);
    if (left >= fadeFrames) continue;
    block[frame * 2]! *= left / fadeFrames;
    block[frame * 2 + 1]! *= left / fadeFrames;
  }
}
