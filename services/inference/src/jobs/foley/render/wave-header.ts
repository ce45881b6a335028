export const WAVE_HEADER_BYTES = 44;

export interface WaveForm {
  sampleRateHz: number;
  channels: number;
  /** 16: whole numbers; 32: IEEE floats. */
  bits: 16 | 32;
  /** Of the samples that follow. */
  dataBytes: number;
}

/** The head of a RIFF WAVE file without metadata. */
export function waveHeader({ sampleRateHz, channels, bits, dataBytes }: WaveForm): Buffer {
  const frameBytes = (channels * bits) / 8;
  const header = Buffer.alloc(WAVE_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(WAVE_HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(bits === 16 ? 1 : 3, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRateHz, 24);
  header.writeUInt32LE(sampleRateHz * frameBytes, 28);
  header.writeUInt16LE(frameBytes, 32);
  header.writeUInt16LE(bits, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
