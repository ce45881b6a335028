import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SyncResult, SyncSpec, SyncVerdict } from '@soundstage/contracts';
import { badInput, fetchObject, storeBytes, storeFile, type Stage } from '@soundstage/core';
import type { SyncMeasurement } from '@soundstage/sync';
import { runFfmpeg } from './run-ffmpeg.js';

/** When the drawn film flashes, seconds; uneven, so that one offset alone fits. */
const FLASHES_S = [0.4, 1.12, 2.48, 3.2, 4.4, 5.2, 6.6, 7.08];
const DURATION_S = 8;
const RATE_HZ = 100;
const WINDOW_S = 3;

/** Draws a film that flashes, with a click so many ms after each flash. H.264 and AAC in mp4. */
export async function drawFlashes(path: string, offsetMs: number | undefined): Promise<string> {
  const at = (lateS: number, lastsS: number) =>
    FLASHES_S.map((timeS) => `between(t,${timeS + lateS - 0.001},${timeS + lateS + lastsS})`).join('+');
  const flash = `drawbox=x=80:y=40:w=160:h=100:c=0xffd0a0:t=fill:enable='${at(0, 0.06)}'`;
  const click =
    offsetMs === undefined
      ? []
      : ['-f', 'lavfi', '-i', `aevalsrc='0.7*sin(2*PI*900*t)*(${at(offsetMs / 1000, 0.05)})':s=48000:d=${DURATION_S}`];
  const picture = `color=c=0x182426:s=320x180:r=25:d=${DURATION_S},${flash}`;
  const codecs = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
  await runFfmpeg(['-f', 'lavfi', '-i', picture, ...click, ...codecs, path]);
  return path;
}

const VERDICTS = {
  in_sync: SyncVerdict.IN_SYNC,
  offset: SyncVerdict.OFFSET,
  drift: SyncVerdict.DRIFT,
  piecewise: SyncVerdict.PIECEWISE,
  cannot_tell: SyncVerdict.CANNOT_TELL,
};

/**
 * Sync without models: it correlates the light of the picture with the level of the sound. What it answers, stores and
 * refuses has the form of the real one, and what it says of a film is measured in it.
 */
export const fakeSyncStage: Stage<SyncSpec, 'sync'> = {
  kind: 'sync',
  codeVersion: 'fake',
  steps: ['fetch', 'listen', 'look', 'compare', 'repair', 'prove', 'report', 'store'].map((name) => ({
    name,
    share: 1,
  })),
  spec: SyncSpec,
  result: SyncResult,
  check({ rangeS }) {
    if (!(rangeS >= 0 && rangeS <= 5))
      throw badInput('Offsets can be looked for up to 5 s either way.', 'spec.range_s');
  },
  inputs: ({ video }) => (video ? [video] : []),
  async run(spec, { store, scratch, signal, outputPrefix, progress }) {
    await mkdir(join(scratch, 'in'));
    const input = join(scratch, 'in', 'source.mp4');
    await fetchObject(store, spec.video!, input, signal);
    progress('fetch', 1);
    const { syncReport } = await import('@soundstage/sync');
    const before = await measure(input, spec);
    for (const step of ['listen', 'look', 'compare']) progress(step, 1);
    let after: SyncMeasurement | undefined;
    const output = join(scratch, 'repaired.mp4');
    if (before.verdict === 'offset' && !spec.measureOnly) {
      const moved = ['-i', input, '-itsoffset', String(-before.offsetMs! / 1000), '-i', input, '-map', '0:v'];
      await runFfmpeg([...moved, '-map', '1:a', '-c', 'copy', output]);
      progress('repair', 1);
      after = await measure(output, spec);
      progress('prove', 1);
    }
    const page = syncReport({ title: spec.fileName, before, ...(after && { after }) });
    const put = (text: string, name: string, type: string) =>
      storeBytes(store, Buffer.from(text), `${outputPrefix}/${name}`, type, signal);
    const answerOf = ({ verdict, reason, detail, offsetMs, confidence, segments }: SyncMeasurement) => ({
      ...{ verdict: VERDICTS[verdict], reason: reason ?? '', detail, confidence, segments: [...segments] },
      ...(offsetMs !== undefined && { offsetMs }),
    });
    return SyncResult.fromPartial({
      ...answerOf(before),
      ...(after && {
        after: answerOf(after),
        video: await storeFile(store, output, `${outputPrefix}/video.mp4`, 'video/mp4', signal),
      }),
      report: await put(page, 'report.html', 'text/html; charset=utf-8'),
      evidence: await put(JSON.stringify({ before, after }), 'evidence.json', 'application/json'),
      timings: [{ step: 'look', seconds: 0.1 }],
      warnings: [],
      durationS: before.durationS,
      whatWasDone: after ? 'The sound was moved by time stamps alone.' : 'Nothing was altered.',
      models: [],
    });
  },
};

async function measure(path: string, { fileName, rangeS }: SyncSpec): Promise<SyncMeasurement> {
  const light = risesOf(await lightOf(path, fileName));
  const level = risesOf(await levelOf(path));
  const durationS = light.length / RATE_HZ;
  const mostMs = (rangeS || 1) * 1000;
  const offsetsMs = Array.from({ length: mostMs / 5 + 1 }, (_, i) => i * 10 - mostMs);
  const agree = (from: number, to: number) =>
    offsetsMs.map((ms) => {
      let sum = 0;
      for (let i = Math.max(0, from); i < Math.min(light.length, to); i++) sum += light[i]! * (level[i + ms / 10] ?? 0);
      return sum;
    });
  const scaled = (scores: number[]) => {
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const most = Math.max(...scores) - mean;
    return scores.map((score) => (most > 0 ? (score - mean) / most : 0));
  };
  const raw = agree(0, light.length);
  const map = Array.from({ length: Math.floor(durationS * 4) }, (_, i) => {
    const middle = (i / 4) * RATE_HZ;
    return {
      timeS: i / 4,
      scores: scaled(agree(middle - (WINDOW_S / 2) * RATE_HZ, middle + (WINDOW_S / 2) * RATE_HZ)),
    };
  });
  const evidence = {
    offsetsMs,
    curve: scaled(raw),
    map,
    faces: [],
    shotsS: [0],
    speech: [{ startS: 0, endS: durationS }],
  };
  const common = { durationS, warnings: [], evidence };
  if (Math.max(...raw) <= 0)
    return {
      ...common,
      ...{ verdict: 'cannot_tell', reason: 'no_speech', detail: 'Nothing clicks.', confidence: 0, segments: [] },
    };
  const offsetMs = offsetsMs[raw.indexOf(Math.max(...raw))]!;
  const segment = { startS: 0, endS: durationS, offsetMs, driftPpm: 0, confidence: 0.97, speechS: durationS };
  const verdict = Math.abs(offsetMs) <= 40 ? 'in_sync' : 'offset';
  return {
    ...common,
    verdict,
    detail: 'Measured on flashes and clicks.',
    offsetMs,
    confidence: 0.97,
    segments: [segment],
  };
}

async function lightOf(path: string, name: string): Promise<number[]> {
  const args = ['-i', path, '-vf', `fps=${RATE_HZ},scale=8:8,format=gray`, '-f', 'rawvideo', '-'];
  const bytes = await output(args).catch(() => {
    throw badInput(`“${name}” is no video that can be read.`, 'video');
  });
  return Array.from({ length: bytes.length / 64 }, (_, i) =>
    bytes.subarray(i * 64, i * 64 + 64).reduce((sum, value) => sum + value, 0),
  );
}

async function levelOf(path: string): Promise<number[]> {
  const perStep = 80;
  // The sound may begin after the picture: what lies before it is silence.
  const args = ['-i', path, '-af', 'aresample=8000:async=1:first_pts=0', '-ac', '1', '-f', 's16le', '-'];
  const bytes = await output(args).catch(() => Buffer.alloc(0));
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 2));
  return Array.from({ length: Math.floor(samples.length / perStep) }, (_, i) =>
    samples.subarray(i * perStep, (i + 1) * perStep).reduce((sum, value) => sum + Math.abs(value), 0),
  );
}

function risesOf(values: readonly number[]): number[] {
  const most = Math.max(1, ...values);
  return values
    .map((value, i) => Math.max(0, value - (values[i - 1] ?? 0)) / most)
    .map((rise) => (rise > 0.1 ? rise : 0));
}

async function output(args: string[]): Promise<Buffer> {
  const all = ['-v', 'error', '-nostdin', ...args];
  const { stdout } = await promisify(execFile)('ffmpeg', all, { maxBuffer: 64 * 2 ** 20, encoding: 'buffer' });
  return Buffer.from(stdout);
}
