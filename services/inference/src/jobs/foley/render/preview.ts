import { badInput } from '@soundstage/core';
import type { CueSheet } from '@soundstage/cues';
import type { Palette } from '../palette/palette.js';
import { render } from './render.js';
import { SAMPLE_RATE_HZ } from './sample-rate.js';
import { chooseSounds, soundPlan } from './sound.js';
import { waveHeader } from './wave-header.js';

export interface PreviewOptions {
  class: string;
  /** Absent: the seed chooses. */
  sound?: string | undefined;
  /** 0 to 1, of a hit. */
  strength: number;
  seed: number;
  palette: Palette;
  signal?: AbortSignal | undefined;
}

/** A hit rings as long as this at most; a layer is heard for this long before it repeats. */
const HIT_S = 3;
const LAYER_S = 4;
const CROSSFADE_S = 0.5;
const SILENT = 1e-4;

/**
 * One hit, its attack 1 ms after the start, or some seconds of a layer whose end runs into its start, at the level that
 * they have in a soundtrack before that is set to its loudness: a WAV file, 48 kHz stereo, 16 bit.
 *
 * Throws SoundstageError BAD_INPUT for a class or sound that the palette doesn't have.
 */
export async function previewSound(options: PreviewOptions): Promise<Uint8Array> {
  const { class: classId, sound, strength, seed, palette, signal } = options;
  const soundClass = palette.classes.find(({ id }) => id === classId);
  if (soundClass === undefined)
    throw badInput(`The palette has no class "${classId.slice(0, 80)}": list them with ListSounds.`, 'class');
  const names = palette.soundsOf(soundClass).map(({ name }) => name);
  if (names.length === 0) throw badInput(`There is no sound for ${classId}: choose another class.`, 'class');
  if (sound !== undefined && !names.includes(sound))
    throw badInput(`${classId} has no sound "${sound.slice(0, 80)}", but: ${names.join(', ')}.`, 'sound');
  if (!(strength >= 0 && strength <= 1)) throw badInput('The strength must be from 0 to 1.', 'strength');
  const struck = soundClass.kind === 'struck';
  const durationS = struck ? HIT_S : LAYER_S + CROSSFADE_S;
  const cue = {
    id: 'preview',
    class: classId,
    ...(sound === undefined ? {} : { sound }),
    pan: 0,
    confidence: 1,
    muted: false,
  };
  const sheet: CueSheet = {
    format: 'soundstage-cues',
    version: 1,
    video: { name: '', durationS },
    scene: struck ? 'struck' : 'continuous',
    classes: [],
    timingTrust: null,
    seed,
    hits: struck ? [{ ...cue, timeS: 0.001, strength }] : [],
    layers: struck ? [] : [{ ...cue, startS: 0, endS: durationS, gainDb: 0, envelope: [[0, 1]] }],
    notes: [],
  };
  const blocks = [...render(await soundPlan(chooseSounds(sheet, palette), palette, signal))];
  const pcm = new Float32Array(blocks.reduce((length, block) => length + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    pcm.set(block, at);
    at += block.length;
  }
  return wavOf(struck ? withoutSilence(pcm) : seamless(pcm));
}

function withoutSilence(pcm: Float32Array): Float32Array {
  let end = pcm.length;
  while (end > SAMPLE_RATE_HZ / 50 && Math.abs(pcm[end - 1]!) < SILENT) end--;
  return pcm.subarray(0, end + (end % 2));
}

/** The last half second is faded into the first, so that the whole can be repeated. */
function seamless(pcm: Float32Array): Float32Array {
  const fade = CROSSFADE_S * SAMPLE_RATE_HZ;
  const loop = pcm.slice(0, LAYER_S * SAMPLE_RATE_HZ * 2);
  for (let frame = 0; frame < fade; frame++) {
    const angle = (Math.PI / 2) * (frame / fade);
    for (const channel of [0, 1]) {
      const i = frame * 2 + channel;
      loop[i] = loop[i]! * Math.sin(angle) + (pcm[loop.length + i] ?? 0) * Math.cos(angle);
    }
  }
  return loop;
}

/** RIFF WAVE, PCM. What would clip is turned down as a whole. */
function wavOf(pcm: Float32Array): Uint8Array {
  const peak = pcm.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  const dataBytes = pcm.length * 2;
  const header = waveHeader({ sampleRateHz: SAMPLE_RATE_HZ, channels: 2, bits: 16, dataBytes });
  const data = Buffer.alloc(dataBytes);
  pcm.forEach((sample, i) => data.writeInt16LE(Math.round((sample / peak) * 32767), i * 2));
  return Buffer.concat([header, data]);
}
