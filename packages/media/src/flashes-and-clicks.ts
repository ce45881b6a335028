import { execFileSync } from 'node:child_process';
import { decodeAudio } from './decode-audio.js';
import { decodeFrames } from './decode-frames.js';
import { probe } from './probe.js';

/** Inputs of ffmpeg, for tests: a black picture that is white at some times, and single loud samples at other times. */
export function flashesAndClicks(
  flashesS: readonly number[],
  clicksS: readonly number[],
  durationS: number,
  { rate = 25, sampleRateHz = 48_000 } = {},
): string[] {
  const white = flashesS.map((timeS) => `eq(N,${Math.round(timeS * rate)})`).join('+');
  const loud = clicksS.map((timeS) => `eq(n,${Math.round(timeS * sampleRateHz)})`).join('+');
  return [
    ...['-f', 'lavfi', '-i'],
    `nullsrc=s=64x48:r=${rate}:d=${durationS},format=yuv420p,geq=lum='if(${white},235,16)':cb=128:cr=128`,
    ...['-f', 'lavfi', '-i', `aevalsrc=exprs='0.8*(${loud})':s=${sampleRateHz}:d=${durationS}`],
  ];
}

/** When a file's flashes are shown and its clicks are heard, both on the file's clock. */
export async function seenAndHeard(path: string): Promise<{ flashesS: number[]; clicksS: number[] }> {
  const info = await probe(path);
  const view = { name: 'grey', width: 16, height: 16, pixelFormat: 'gray' } as const;
  const flashesS: number[] = [];
  for await (const frame of decodeFrames(path, { info, views: [view] }))
    if ((frame.data[136] as number) > 128) flashesS.push(frame.timeS);
  const clicksS: number[] = [];
  let n = 0;
  let [best, bestAt] = [0, -Infinity];
  for await (const block of decodeAudio(path, { info, sampleRateHz: 48_000, channels: 1 })) {
    for (let k = 0; k < block.length; k++, n++) {
      const loud = Math.abs(block[k] as number);
      if (loud < 0.2) continue;
      const same = n - bestAt < 2000;
      if (same && loud <= best) continue;
      if (same) clicksS.pop();
      clicksS.push(n / 48_000);
      [best, bestAt] = [loud, n];
    }
  }
  return { flashesS, clicksS };
}

/** How late each click comes after its flash, in ms: the last click belongs to the last flash, and so on backwards. */
export async function latenessMs(path: string): Promise<number[]> {
  const { flashesS, clicksS } = await seenAndHeard(path);
  const pairs = Math.min(flashesS.length, clicksS.length);
  return Array.from(
    { length: pairs },
    (_, k) => 1000 * ((clicksS.at(k - pairs) as number) - (flashesS.at(k - pairs) as number)),
  );
}

/** MD5 of the data of all packets of the first sound. */
export function soundHash(path: string): string {
  const args = ['-v', 'error', '-i', path, '-map', '0:a:0', '-c', 'copy', '-f', 'hash', '-hash', 'md5', '-'];
  return execFileSync('ffmpeg', args, { encoding: 'utf8' }).trim();
}
