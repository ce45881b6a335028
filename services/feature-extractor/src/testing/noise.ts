/**
 * 16-bit noise that swells each second, by a linear congruential generator: the numbers that librosa was given for
 * fixtures/librosa.json.
 */
export function noise(sampleRateHz: number, seconds: number): Int16Array {
  const samples = new Int16Array(seconds * sampleRateHz);
  let state = 1n;
  for (let n = 0; n < samples.length; n++) {
    state = (1103515245n * state + 12345n) % 2147483648n;
    const loudness = (n % sampleRateHz) / sampleRateHz;
    samples[n] = Math.floor((Number(state) / 2 ** 30 - 1) * loudness * 16_000);
  }
  return samples;
}

/** RIFF/WAVE, 16 bit, mono. */
export function wavOf(samples: Int16Array, sampleRateHz: number): Buffer {
  const wav = Buffer.alloc(44 + samples.length * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples.length * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(sampleRateHz, 24);
  wav.writeUInt32LE(sampleRateHz * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, n) => wav.writeInt16LE(sample, 44 + 2 * n));
  return wav;
}
