import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JobJson } from './api-types.js';
import { startGateway, type Gateway } from './server.js';
import { startFakeInference } from './testing/fake-inference.js';
import { drawFlashes } from './testing/fake-sync.js';
import { postForm, readJob, readProblem, untilEnded } from './testing/http.js';
import type { TestInference } from './testing/inference.js';

let inference: TestInference;
let gateway: Gateway;
let late: Uint8Array<ArrayBuffer>;
let repaired: JobJson;

const get = (path: string) => fetch(`${gateway.url}${path}`);
const post = (body: object) =>
  fetch(`${gateway.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const ended = async (response: Response) => (await untilEnded(gateway.url, (await readJob(response)).id)).at(-1)!;

beforeAll(async () => {
  inference = await startFakeInference();
  gateway = await startGateway({ inferenceAddress: inference.address, port: 0, uploadLimitBytes: 32 * 2 ** 20 });
  late = new Uint8Array(await readFile(await drawFlashes(join(inference.folder, 'late.mp4'), 300)));
}, 60_000);

afterAll(async () => {
  await gateway?.close(500);
  await inference?.remove();
});

describe('A video whose sound comes late', () => {
  test('is measured and repaired: the answer, its proof and the file', async () => {
    const posted = await postForm(gateway.url, { kind: 'sync', rangeS: '2' }, { content: late, name: 'late.mp4' });
    expect(posted.status).toBe(202);
    const accepted = await readJob(posted);
    expect(accepted).toMatchObject({
      kind: 'sync',
      syncRequest: { fileName: 'late.mp4', rangeS: 2, measureOnly: false },
    });
    repaired = (await untilEnded(gateway.url, accepted.id)).at(-1)!;
    expect({ state: repaired.state, error: repaired.error }).toEqual({ state: 'succeeded' });
    expect(repaired.request).toBeUndefined();
    expect(repaired.syncResult).toMatchObject({ verdict: 'offset', after: { verdict: 'in_sync' }, durationS: 8 });
    expect(repaired.syncResult!.offsetMs).toBeGreaterThan(270);
    expect(repaired.syncResult!.offsetMs).toBeLessThan(330);
    expect(Math.abs(repaired.syncResult!.after!.offsetMs!)).toBeLessThanOrEqual(20);

    const video = await get(repaired.links.result!);
    expect(video.headers.get('content-type')).toBe('video/mp4');
    expect((await video.arrayBuffer()).byteLength).toBe(repaired.syncResult!.video!.sizeBytes);
    const saved = await get(`${repaired.links.result}?download=1`);
    await saved.body?.cancel();
    expect(saved.headers.get('content-disposition')).toContain('late in sync.mp4');
    const source = Buffer.from(await (await get(repaired.links.source!)).arrayBuffer());
    expect(source.equals(Buffer.from(late))).toBe(true);
    expect(await (await get(repaired.links.evidence!)).json()).toMatchObject({ before: { verdict: 'offset' } });
  }, 60_000);

  test('has a report that is shown as if it came from nowhere', async () => {
    const report = await get(repaired.links.report!);
    expect(report.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await report.text()).toMatch(/<h1>The sound comes [23]\d\d ms late<\/h1>/);
    const policy = report.headers.get('content-security-policy')!;
    expect(policy).toMatch(/default-src 'none'.*sandbox allow-scripts$/);
    expect(policy).not.toContain('allow-same-origin');
    expect(report.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('is sent to somebody else by an address that is signed', async () => {
    const { url } = (await (await get(`/v1/jobs/${repaired.id}/link`)).json()) as { url: string };
    expect(url).toMatch(/\/result\?expires=/);
    const found = await get(url);
    await found.body?.cancel();
    expect(found.status).toBe(200);
  });

  test('is only measured where that is asked, from the video of an earlier job', async () => {
    const job = await ended(await post({ kind: 'sync', sourceJob: repaired.id, measureOnly: true }));
    expect(job.syncRequest).toMatchObject({ fileName: 'late.mp4', rangeS: 1, measureOnly: true });
    expect(job.syncResult).toMatchObject({ verdict: 'offset', whatWasDone: 'Nothing was altered.' });
    expect(job.links.result).toBeUndefined();
    const problem = await readProblem(await get(`/v1/jobs/${job.id}/result`));
    expect(problem).toMatchObject({ status: 404, detail: expect.stringContaining('altered nothing') });
  }, 60_000);
});

test('A silent video can’t be told, which is an answer and no failure', async () => {
  const silent = new Uint8Array(await readFile(await drawFlashes(join(inference.folder, 'silent.mp4'), undefined)));
  const job = await ended(await postForm(gateway.url, { kind: 'sync' }, { content: silent, name: 'silent.mp4' }));
  expect(job.state).toBe('succeeded');
  expect(job.syncResult).toMatchObject({ verdict: 'cannot_tell', reason: 'no_speech', segments: [] });
  expect(job.syncResult!.offsetMs).toBeUndefined();
  expect(job.links.result).toBeUndefined();
}, 60_000);

test('Jobs of each kind are listed for themselves', async () => {
  const kinds = async (query: string) => {
    const { jobs } = (await (await get(`/v1/jobs${query}`)).json()) as { jobs: JobJson[] };
    return jobs.map(({ kind }) => kind);
  };
  expect(await kinds('?kind=sync')).toEqual(['sync', 'sync', 'sync']);
  expect(await kinds('')).toEqual([]);
  expect((await get('/v1/jobs?kind=training')).status).toBe(400);
});

test.each([
  [{ rangeS: '6' }, 'rangeS must be a number of seconds above 0 and up to 5'],
  [{ rangeS: '-1', sound: 'wood' }, 'sound is not a field of a sync job; rangeS must'],
  [{ measureOnly: 'perhaps' }, 'measureOnly must be true or false'],
] as const)('A wrong wish is refused: %j', async (fields, words) => {
  const problem = await readProblem(
    await postForm(gateway.url, { kind: 'sync', ...fields }, { content: late, name: 'late.mp4' }),
  );
  expect(problem).toMatchObject({ status: 400, reason: 'BAD_INPUT', detail: expect.stringContaining(words) });
});

test('A sync job has no candidates, and a form without a file makes no job', async () => {
  const none = await readProblem(await get(`/v1/jobs/${repaired.id}/candidates/1/cues`));
  expect(none).toMatchObject({ status: 404, detail: expect.stringContaining('is one of sync') });
  const problem = await readProblem(await postForm(gateway.url, { kind: 'sync' }));
  expect(problem.violations).toEqual([{ field: 'file', description: 'is missing' }]);
  const cues = await readProblem(await post({ kind: 'sync', sourceJob: repaired.id, cues: {} }));
  expect(cues.detail).toContain('cues is not a field of a sync job');
});
