import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { link, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@soundstage/core/testing';
import { clicks, flashes } from '../../testing/flash-clip.js';
import { flashMeter } from '../../testing/flash-meter.js';
import { H264, makeVideo } from '../../testing/silent-video.js';
import { runSync, type SyncOptions } from './sync.js';

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let late: string;
let content: Buffer;
const here = (name: string): string => join(home.path, name);

beforeAll(async () => {
  home = await temporaryFolder();
  late = here('late.mp4');
  content = makeVideo(late, ...flashes(), ...clicks(300), ...H264, '-c:a', 'aac');
}, 30_000);
afterAll(() => home.remove());

type Meter = SyncOptions['meter'];

/** Measures the film that is late but once. */
const meter: Meter = {
  measure: (path, options) =>
    path === late ? (measuredLate ??= flashMeter().measure(path)) : flashMeter().measure(path, options),
};
let measuredLate: ReturnType<Meter['measure']> | undefined;

describe('the output of sync', () => {
  test('is refused, before anything is measured, where it is the input, also through links and by another way', async () => {
    const asked: string[] = [];
    const counting: Meter = { measure: (path) => (asked.push(path), meter.measure(path)) };
    await symlink(late, here('link.mp4'));
    await link(late, here('hard-link.mp4'));
    await symlink(home.path, here('by-folder'));
    for (const output of ['late.mp4', 'link.mp4', 'hard-link.mp4', 'by-folder/late.mp4', 'by-folder/../late.mp4'])
      for (const paths of [{ outputPath: here(output) }, { reportPath: here(output) }])
        await expect(runSync({ inputPath: late, meter: counting, ...paths })).rejects.toMatchObject({
          reason: 'BAD_INPUT',
          message: expect.stringMatching(/is the same file as “late.mp4”/),
        });
    const twice = { outputPath: here('new.mp4'), reportPath: here('by-folder/new.mp4') };
    await expect(runSync({ inputPath: late, meter: counting, ...twice })).rejects.toMatchObject({
      reason: 'BAD_INPUT',
    });
    expect(asked).toEqual([]);
    expect(await readFile(late)).toEqual(content);
  });

  test('replaces an older file whole, and the report plays both from where they lie', async () => {
    const [outputPath, reportPath] = [here('out file.mp4'), here('report.html')];
    await writeFile(outputPath, 'an older one');
    const made = await runSync({ inputPath: late, outputPath, reportPath, meter });
    expect(made).toMatchObject({ repaired: true, outputPath, reportPath, after: { verdict: 'in_sync' } });
    const page = await readFile(reportPath, 'utf8');
    expect(page).toContain('src="./out%20file.mp4"');
    expect(page).toContain('data:image/jpeg');
    expect(Object.keys(made.timings)).toEqual(['listen_s', 'look_s', 'compare_s', 'repair_s', 'prove_s', 'report_s']);
    expect(made.timings.prove_s).toBeGreaterThan(0);
    expect(await leftOver()).toEqual([]);
  }, 30_000);

  test('is proven by its own sound and by the faces that were seen already, since its pictures are the same', async () => {
    const seen = { tracks: [], shotsS: [0] };
    const known: unknown[] = [];
    const looking: Meter = {
      measure(path, options) {
        known.push(options?.looks?.of(0));
        options?.looks?.keep(0, seen);
        return meter.measure(path, options);
      },
    };
    await runSync({ inputPath: late, outputPath: here('proven.mp4'), meter: looking });
    expect(known).toEqual([undefined, { ...seen, shotsS: [expect.closeTo(0, 3)] }]);
  }, 30_000);

  test('is not there, and an older file stays, where the repair can’t be shown to be better', async () => {
    const outputPath = here('kept.mp4');
    await writeFile(outputPath, 'an older one');
    const unsure: Meter = {
      // Of the repaired file it can't tell anything.
      async measure(path, options) {
        const said = await meter.measure(path, options);
        return path === late ? said : { ...said, verdict: 'cannot_tell', reason: 'too_little', segments: [] };
      },
    };
    const made = await runSync({ inputPath: late, outputPath, meter: unsure });
    expect(made).toMatchObject({ repaired: false, outputPath: undefined, after: { verdict: 'cannot_tell' } });
    expect(made.warnings).toEqual([expect.stringContaining('thrown away')]);
    expect(await readFile(outputPath, 'utf8')).toBe('an older one');
    expect(await leftOver()).toEqual([]);
  }, 30_000);

  test('is not made where the offset is told but not sure', async () => {
    const doubtful = {
      measure: async (path: string) => ({ ...(await meter.measure(path)), confidence: 0.8 }),
    };
    const outputPath = here('doubtful.mp4');
    const made = await runSync({ inputPath: late, outputPath, meter: doubtful });
    expect(made).toMatchObject({ repaired: false, outputPath: undefined, after: undefined });
    expect(made.before.verdict).toBe('offset');
    expect(made.whatWasDone).toContain('80 % sure and asked are 85 %');
    expect(await readdir(home.path)).not.toContain('doubtful.mp4');
  }, 30_000);

  test('is not there by half when the work is cancelled while it is proven', async () => {
    const abort = new AbortController();
    const [outputPath, reportPath] = [here('cancelled.mp4'), here('cancelled.html')];
    const work = runSync({
      inputPath: late,
      outputPath,
      reportPath,
      meter,
      signal: abort.signal,
      onProgress: (step) => step === 'prove' && abort.abort(),
    });
    await expect(work).rejects.toMatchObject({ reason: 'CANCELLED' });
    const names = await readdir(home.path);
    expect(names.filter((name) => name.startsWith('cancelled') || name.startsWith('.soundstage'))).toEqual([]);
  }, 30_000);
});

const leftOver = async (): Promise<string[]> =>
  (await readdir(home.path)).filter((name) => name.startsWith('.soundstage'));
