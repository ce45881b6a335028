import { decodeAudio } from '@soundstage/media';

/** What decoded sound has in tests. */
export const HEARD_RATE_HZ = 48_000;

/** The sound of a file, mono, as a player hears it. */
export async function heard(file: string): Promise<Float32Array> {
  const blocks: Float32Array[] = [];
  for await (const block of decodeAudio(file, { sampleRateHz: HEARD_RATE_HZ, channels: 1 })) blocks.push(block);
  return Float32Array.from(blocks.flatMap((block) => Array.from(block)));
}

/** How much of one pitch is in a piece of sound: the amplitude of its sine, by one sum of the Fourier transform. */
export function strengthAt(pitchHz: number, pcm: Float32Array): number {
  let [re, im] = [0, 0];
  pcm.forEach((x, i) => {
    re += x * Math.cos((2 * Math.PI * pitchHz * i) / HEARD_RATE_HZ);
    im += x * Math.sin((2 * Math.PI * pitchHz * i) / HEARD_RATE_HZ);
  });
  return (2 * Math.hypot(re, im)) / pcm.length;
}
