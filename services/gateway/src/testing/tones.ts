/** Left and right. */
export type Stereo = [Float32Array, Float32Array];

/** A sine that dies away with a time constant. */
export function toneOf(frequencyHz: number, decayS: number, frames: number, rateHz: number): Float32Array {
  return Float32Array.from(
    { length: frames },
    (_, i) => Math.sin((2 * Math.PI * frequencyHz * i) / rateHz) * Math.exp(-i / (decayS * rateHz)),
  );
}

/** Adds a mono sound at a frame; pan from −1 to 1. */
export function addSound(pcm: Stereo, sound: Float32Array, atFrame: number, gain: number, pan: number): void {
  const from = Math.round(atFrame);
  const gains = [Math.min(1, 1 - pan) * gain, Math.min(1, 1 + pan) * gain];
  for (let i = 0; i < sound.length && from + i < pcm[0].length; i++)
    for (const channel of [0, 1] as const) pcm[channel][from + i]! += sound[i]! * gains[channel]!;
}

/** RIFF WAVE, 16 bit PCM. */
export function wavOf([left, right]: Stereo, rateHz: number): Buffer {
  const wav = Buffer.alloc(44 + left.length * 4);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(36 + left.length * 4, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(2, 22);
  wav.writeUInt32LE(rateHz, 24);
  wav.writeUInt32LE(rateHz * 4, 28);
  wav.writeUInt16LE(4, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(left.length * 4, 40);
  for (let i = 0; i < left.length; i++) {
    wav.writeInt16LE(Math.round(Math.max(-1, Math.min(1, left[i]!)) * 32767), 44 + i * 4);
    wav.writeInt16LE(Math.round(Math.max(-1, Math.min(1, right[i]!)) * 32767), 46 + i * 4);
  }
  return wav;
}
