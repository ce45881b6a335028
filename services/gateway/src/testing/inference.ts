import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServiceProcess } from '@soundstage/core/testing';

const MAIN = fileURLToPath(new URL('../../../inference/dist/main.js', import.meta.url));

export interface TestInference {
  address: string;
  /** A folder for the test's own files. */
  folder: string;
  /** Stops the service as a crash would, and removes all that it stored. */
  remove(): Promise<void>;
  kill(): Promise<void>;
}

/** The real inference service as a process of its own, on a free port, with an empty store. */
export async function startInference(env: Record<string, string> = {}): Promise<TestInference> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-gateway-'));
  const service = await startServiceProcess(MAIN, { SOUNDSTAGE_HOME: join(folder, 'home'), ...env });
  let killed: Promise<unknown> | undefined;
  const kill = async () => {
    await (killed ??= service.stop('SIGKILL'));
  };
  return {
    address: service.address,
    folder,
    kill,
    async remove() {
      await kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** How often the drawn block strikes. */
export const STRIKE_EVERY_S = 0.8;

/**
 * Draws a clip in which a patterned block falls, strikes and rises, in H.264: a real file, though not a real picture.
 *
 * @returns its path
 */
export function drawClip(folder: string, { name = 'clip.mp4', seconds = 4, size = '320x240' } = {}): string {
  const path = join(folder, name);
  const still = 'trim=end_frame=1,loop=loop=-1:size=1,setpts=N/25/TB';
  const [fall, rise] = [
    `min(1\\,pow(mod(t\\,${STRIKE_EVERY_S})/0.2\\,2))`,
    `max(0\\,(mod(t\\,${STRIKE_EVERY_S})-0.35)/0.45)`,
  ];
  const filter = [
    `mandelbrot=s=${size}:r=25:end_pts=1:maxiter=60,${still}[room]`,
    `testsrc2=s=160x60:r=25,${still}[block]`,
    `[room][block]overlay=x=W/4:y='H/6+H*0.54*${fall}-H*0.54*${rise}',trim=duration=${seconds}`,
  ].join(';');
  const { status, stderr } = spawnSync(
    'ffmpeg',
    [
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      filter,
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
      '-preset',
      'ultrafast',
      path,
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`ffmpeg: ${stderr}`);
  return path;
}
