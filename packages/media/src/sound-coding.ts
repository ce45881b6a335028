import type { RepairContainer } from './repair-containers.js';
import type { StreamHead } from './repair-streams.js';

/** How a sound is coded anew. */
export interface SoundCoding {
  codec: string;
  options: string[];
}

/** Encoders of what is written as it was, and the most bits a second that they take. */
const ENCODERS: Record<string, { encoder: string; most: number }> = {
  aac: { encoder: 'aac', most: 512_000 },
  opus: { encoder: 'libopus', most: 510_000 },
  mp3: { encoder: 'libmp3lame', most: 320_000 },
  mp2: { encoder: 'mp2', most: 384_000 },
  vorbis: { encoder: 'libvorbis', most: 480_000 },
  ac3: { encoder: 'ac3', most: 640_000 },
  eac3: { encoder: 'eac3', most: 1_024_000 },
};
/** Rates that MP3, MP2, and AC-3 have all in common from 64 kbit/s on. */
const STEPPED: ReadonlySet<string> = new Set(['mp3', 'mp2', 'ac3']);
const STEPS = [64, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640].map((kilo) => kilo * 1000);

/**
 * The coding of a sound that is built anew: its own where that can be written, at no fewer bits a second than it had and
 * at least 64 kbit/s a channel; else that which the container takes in any case.
 */
export function soundCoding(stream: StreamHead, container: RepairContainer): SoundCoding {
  const own = stream.codec;
  const writable = own in ENCODERS || own === 'flac' || own === 'alac' || own.startsWith('pcm_');
  const codec = writable && container.carriesSound(own) ? own : fallback(container);
  if (codec.startsWith('pcm_')) return { codec, options: ['-c:a', codec] };
  if (codec === 'flac' || codec === 'alac') {
    const wide = stream.bits > 16;
    const format = codec === 'flac' ? (wide ? 's32' : 's16') : wide ? 's32p' : 's16p';
    return { codec, options: ['-c:a', codec, '-sample_fmt:a', format] };
  }
  const { encoder, most } = ENCODERS[codec] as { encoder: string; most: number };
  const had = stream.bitRate > 0 ? stream.bitRate : 96_000 * stream.channels;
  const wanted = Math.min(most, Math.max(had, 64_000 * stream.channels));
  const bitRate = STEPPED.has(codec) ? Math.min(most, STEPS.find((step) => step >= wanted) ?? most) : wanted;
  return { codec, options: ['-c:a', encoder, '-b:a', String(Math.round(bitRate))] };
}

function fallback(container: RepairContainer): string {
  if (container.family === 'avi') return 'pcm_s16le';
  return container.muxer === 'webm' ? 'opus' : 'aac';
}
