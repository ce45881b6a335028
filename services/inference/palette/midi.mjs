// Plays notes on a sound font with fluidsynth (Debian: fluidsynth), so that layers, envelopes and loops are the font's.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TICKS_PER_S = 480;
const GAIN = 0.5;

/**
 * @param {string} fontPath a SoundFont 2 file
 * @param {{bank?: number, program: number, keys: number[], velocity?: number, strumS?: number, lengthS: number}} notes
 *   keys begin strumS after each other and are held until lengthS
 * @param {string} workDir where files may be written
 * @returns {string} the path of a WAV file, 48 kHz, without reverberation or chorus
 */
export function playNotes(fontPath, notes, workDir) {
  const score = join(workDir, 'score.mid');
  const wav = join(workDir, 'notes.wav');
  writeFileSync(score, midiFile(notes));
  const plain = ['-R', '0', '-C', '0', '-g', String(GAIN), '-r', '48000', '-O', 'float', '-T', 'wav'];
  execFileSync('fluidsynth', ['-n', '-i', '-q', ...plain, '-F', wav, fontPath, score], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return wav;
}

/** A format 0 file (Standard MIDI Files 1.0): 480 ticks are one second. */
function midiFile({ bank = 0, program, keys, velocity = 90, strumS = 0, lengthS }) {
  const events = [
    [0, 0xb0, 0, bank],
    [0, 0xc0, program],
  ];
  for (const [index, key] of keys.entries())
    events.push([Math.round(index * strumS * TICKS_PER_S), 0x90, key, velocity]);
  for (const key of keys) events.push([Math.round(lengthS * TICKS_PER_S), 0x80, key, 0]);
  const track = [0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40]; // one second a quarter
  let now = 0;
  for (const [at, ...bytes] of events) {
    track.push(...variableLength(at - now), ...bytes);
    now = at;
  }
  track.push(0, 0xff, 0x2f, 0);
  const head = Buffer.from([...Buffer.from('MThd'), 0, 0, 0, 6, 0, 0, 0, 1, TICKS_PER_S >> 8, TICKS_PER_S & 255]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(track.length);
  return Buffer.concat([head, Buffer.from('MTrk'), size, Buffer.from(track)]);
}

function variableLength(value) {
  const bytes = [value & 127];
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 127) | 128);
  return bytes;
}
