import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JobJson, SoundClassJson } from './api-types.js';
import { startGateway, type Gateway } from './server.js';
import { startFakeInference } from './testing/fake-inference.js';
import { postForm, readJob, readProblem, untilEnded } from './testing/http.js';
import { drawClip, type TestInference } from './testing/inference.js';
import { runFfmpeg } from './testing/run-ffmpeg.js';

interface Sheet {
  hits: { id: string; time_s: number; class: string; strength: number }[];
  layers: unknown[];
}

let inference: TestInference;
let gateway: Gateway;
let clip: Uint8Array<ArrayBuffer>;
let done: JobJson;

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${gateway.url}${path}`, { headers });
const postJson = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const cuesOf = async (job: JobJson, number = 1) =>
  (await (await get(`/v1/jobs/${job.id}/candidates/${number}/cues`)).json()) as Sheet;
const ended = async (job: JobJson) => (await untilEnded(gateway.url, job.id)).at(-1)!;

beforeAll(async () => {
  inference = await startFakeInference();
  gateway = await startGateway({ inferenceAddress: inference.address, port: 0, heartbeatMs: 1000 });
  clip = new Uint8Array(readFileSync(drawClip(inference.folder)));
  const fields = { kind: 'foley', seed: '3', candidates: '2', quality: 'draft', mute: 'music, speech,,music' };
  done = await ended(await readJob(await postForm(gateway.url, fields, { content: clip, name: 'hammer.mp4' })));
}, 120_000);

afterAll(async () => {
  await gateway?.close(500);
  await inference?.remove();
});

describe('A job with several candidates', () => {
  test('tells what was asked for and what each candidate is', () => {
    expect(done.state).toBe('succeeded');
    expect(done.request).toMatchObject({ candidates: 2, quality: 'draft', mute: ['music', 'speech'], onlyCues: false });
    expect(done.result).toMatchObject({ durationS: 4, timingTrust: 0.6, timings: [{ step: 'look' }] });
    expect(done.result?.candidates.map(({ seed, hits, layers }) => ({ seed, hits, layers }))).toEqual([
      { seed: '3', hits: 5, layers: 1 },
      { seed: '4', hits: 5, layers: 1 },
    ]);
    expect(done.result?.candidates[1]?.links).toEqual({
      video: `/v1/jobs/${done.id}/candidates/2/video`,
      cues: `/v1/jobs/${done.id}/candidates/2/cues`,
      cuesVtt: `/v1/jobs/${done.id}/candidates/2/cues.vtt`,
    });
  });

  test('serves each video, and the first under the short link too', async () => {
    const hashes = await Promise.all(
      ['result', 'candidates/1/video', 'candidates/2/video'].map(async (path) => {
        const response = await get(`/v1/jobs/${done.id}/${path}`);
        expect(response.headers.get('content-type')).toBe('video/mp4');
        return createHash('sha256')
          .update(new Uint8Array(await response.arrayBuffer()))
          .digest('hex');
      }),
    );
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes.slice(1)).toEqual(done.result?.candidates.map(({ video }) => video?.sha256));
    const part = await get(`/v1/jobs/${done.id}/candidates/2/video`, { range: 'bytes=0-9' });
    expect([part.status, part.headers.get('content-length')]).toEqual([206, '10']);
    const saved = await get(`/v1/jobs/${done.id}/candidates/2/video?download=1`);
    await saved.body?.cancel();
    expect(saved.headers.get('content-disposition')).toContain('filename="hammer with sound 2.mp4"');
  });

  test('serves its cue sheet as JSON and as WebVTT', async () => {
    const cues = await get(`/v1/jobs/${done.id}/candidates/1/cues`);
    expect(cues.headers.get('content-type')).toContain('application/json');
    expect(((await cues.json()) as Sheet).hits).toHaveLength(5);
    const vtt = await get(`/v1/jobs/${done.id}/candidates/1/cues.vtt?download=1`);
    expect(vtt.headers.get('content-type')).toBe('text/vtt; charset=utf-8');
    expect(vtt.headers.get('content-disposition')).toContain('filename="hammer cues.vtt"');
    expect(await vtt.text()).toContain('WEBVTT');
  });

  test.each([
    ['3', 404],
    ['0', 400],
    ['9', 400],
    ['x', 400],
  ])('has no candidate %s', async (number, status) => {
    const response = await get(`/v1/jobs/${done.id}/candidates/${number}/cues`);
    expect(response.status).toBe(status);
    await readProblem(response);
  });
});

describe('An edited cue sheet', () => {
  test('is rendered as a new job of the same video', async () => {
    const sheet = await cuesOf(done);
    sheet.hits[1]!.time_s = 1.5;
    sheet.hits[1]!.class = 'drum';
    delete (sheet.hits[1] as { sound?: string }).sound;
    const posted = await postJson({ kind: 'foley', sourceJob: done.id, cues: sheet });
    expect(posted.status).toBe(202);
    const job = await ended(await readJob(posted));
    expect(job).toMatchObject({ state: 'succeeded', request: { cues: { mediaType: 'application/json' } } });
    expect((await cuesOf(job)).hits[1]).toMatchObject({ time_s: 1.5, class: 'drum' });
  });

  test('is rendered again under the same key once, and another sheet under that key is refused', async () => {
    const sheet = await cuesOf(done);
    const key = { 'idempotency-key': 'one-edit' };
    const first = await readJob(await postJson({ kind: 'foley', sourceJob: done.id, cues: sheet }, key));
    const again = await readJob(await postJson({ kind: 'foley', sourceJob: done.id, cues: sheet }, key));
    expect(again.id).toBe(first.id);
    sheet.hits.pop();
    const other = await postJson({ kind: 'foley', sourceJob: done.id, cues: sheet }, key);
    expect([other.status, (await readProblem(other)).reason]).toEqual([409, 'ALREADY_EXISTS']);
  });

  test('that is wrong is refused with the lines that are wrong', async () => {
    const sheet = await cuesOf(done);
    sheet.hits[2]!.time_s = 99;
    sheet.hits[4]!.class = 'wodo';
    const refused = await postJson({ kind: 'foley', sourceJob: done.id, cues: sheet });
    expect(refused.status).toBe(400);
    const { reason, violations } = await readProblem(refused);
    expect(reason).toBe('BAD_INPUT');
    // One hit a line: the head of the sheet, then the hits.
    const head = Object.keys(sheet).indexOf('hits') + 2;
    expect(violations?.map(({ field }) => field)).toEqual(
      expect.arrayContaining([`line ${head + 3}`, `line ${head + 5}`]),
    );
    expect(JSON.stringify(violations)).toContain('wodo');
  });

  test('that comes as text is refused with the lines of that text', async () => {
    const text = `// by hand\n\n${JSON.stringify(await cuesOf(done), null, 2).replace('"strength": 0.', '"strength": 3.')}`;
    const line = text.split('\n').findIndex((each) => each.includes('"strength": 3.')) + 1;
    const refused = await postJson({ kind: 'foley', sourceJob: done.id, cues: text });
    expect((await readProblem(refused)).violations?.[0]?.field).toBe(`line ${line}`);
  });

  test.each([
    ['a list', [], 'cues'],
    ['a number', 7, 'cues'],
  ])('is no %s', async (_what, cues, field) => {
    const refused = await postJson({ kind: 'foley', sourceJob: done.id, cues });
    expect((await readProblem(refused)).violations?.[0]?.field).toBe(field);
  });

  test.each(['sound', 'onlyCues'])('can’t be sent beside %s', async (field) => {
    const value = field === 'sound' ? 'wood' : true;
    const refused = await postJson({ kind: 'foley', sourceJob: done.id, cues: await cuesOf(done), [field]: value });
    expect((await readProblem(refused)).violations?.[0]?.field).toBe(field);
  });

  test('of more than 16 MiB is refused with the limit', async () => {
    const refused = await postJson({ kind: 'foley', sourceJob: done.id, cues: 'x'.repeat(17 * 2 ** 20) });
    expect(refused.status).toBe(413);
    expect((await readProblem(refused)).detail).toContain('16 MiB');
    const escaped = `{"kind":"foley","sourceJob":"${done.id}","cues":${JSON.stringify({ notes: ['é'.repeat(8.1 * 2 ** 20)] })}}`;
    expect((await postJson(escaped)).status).toBe(413);
  }, 30_000);

  test('is what is made where no video is wanted', async () => {
    const job = await ended(await readJob(await postJson({ kind: 'foley', sourceJob: done.id, onlyCues: true })));
    expect(job.result?.candidates[0]?.video).toBeUndefined();
    expect(job.links.result).toBeUndefined();
    expect((await cuesOf(job)).hits).toHaveLength(5);
    const none = await get(`/v1/jobs/${job.id}/result`);
    expect([none.status, (await readProblem(none)).reason]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('A soundtrack that a net draws', () => {
  test('has a video and the names of its models, and no cue sheet', async () => {
    const posted = await postJson({ kind: 'foley', sourceJob: done.id, engine: 'regnet' });
    const job = await ended(await readJob(posted));
    expect(job).toMatchObject({ state: 'succeeded', request: { engine: 'regnet' } });
    expect(job.result?.models).toContainEqual({ name: 'regnet', version: '3' });
    const [candidate] = job.result!.candidates;
    expect(candidate?.links).toEqual({ video: `/v1/jobs/${job.id}/candidates/1/video` });
    expect((await get(`/v1/jobs/${job.id}/candidates/1/cues`)).status).toBe(404);
    expect(done.request?.engine).toBe('palette');
  }, 30_000);

  test('is asked for by a name that there is', async () => {
    const refused = await postJson({ kind: 'foley', sourceJob: done.id, engine: 'magic' });
    expect(refused.status).toBe(400);
    expect((await readProblem(refused)).violations).toEqual([
      { field: 'engine', description: 'must be palette or regnet' },
    ]);
  });
});

describe('A still image', () => {
  test('gets an ambience as long as was asked for, whatever its browser calls it', async () => {
    const path = join(inference.folder, 'lake.png');
    await runFfmpeg(['-f', 'lavfi', '-i', 'testsrc2=s=320x240', '-frames:v', '1', path]);
    const file = { content: new Uint8Array(readFileSync(path)), name: 'lake.png', type: '' };
    const posted = await postForm(gateway.url, { kind: 'foley', stillDurationS: '2.5' }, file);
    const job = await ended(await readJob(posted));
    expect(job).toMatchObject({
      state: 'succeeded',
      request: { stillDurationS: 2.5, source: { mediaType: 'image/png' } },
      result: { durationS: 2.5, candidates: [{ hits: 0, layers: 1 }] },
    });
    expect(job.result?.timingTrust).toBeUndefined();
    const source = await get(job.links.source!);
    await source.body?.cancel();
    expect(source.headers.get('content-type')).toBe('image/png');
  });
});

describe('The palette', () => {
  test('lists classes with their groups, kinds, sounds and licences', async () => {
    const { classes } = (await (await get('/v1/sounds')).json()) as { classes: SoundClassJson[] };
    expect(classes.find(({ id }) => id === 'drum')).toEqual({
      id: 'drum',
      label: 'a drum',
      kind: 'struck',
      group: 'music',
      sounds: [
        { name: 'drum-1', licence: 'CC0-1.0' },
        { name: 'drum-2', licence: 'CC0-1.0' },
      ],
      links: { preview: '/v1/sounds/drum' },
    });
  });

  test('plays each, and a browser that has it needn’t load it again', async () => {
    const played = await get('/v1/sounds/wood?sound=wood-2&strength=0.5&seed=3');
    expect(played.headers.get('content-type')).toBe('audio/wav');
    const wav = Buffer.from(await played.arrayBuffer());
    expect([wav.toString('latin1', 0, 4), wav.readUInt32LE(24), wav.readUInt16LE(22)]).toEqual(['RIFF', 48_000, 2]);
    const etag = played.headers.get('etag')!;
    const again = await get('/v1/sounds/wood?sound=wood-2&strength=0.5&seed=3', { 'if-none-match': etag });
    expect(again.status).toBe(304);
    expect((await get('/v1/sounds/wood?strength=0.9')).headers.get('etag')).not.toBe(etag);
  });

  test.each([
    ['/v1/sounds/nothing', 404],
    ['/v1/sounds/wood?strength=2', 400],
    ['/v1/sounds/wood?seed=x', 400],
    ['/v1/sounds/wood?sound=metal-1', 400],
  ])('refuses %s', async (path, status) => {
    const refused = await get(path);
    expect(refused.status).toBe(status);
    await readProblem(refused);
  });
});
