import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JobJson } from './api-types.js';
import { startGateway, type Gateway } from './server.js';
import { postForm, readEvents, readJob, readProblem, untilEnded } from './testing/http.js';
import { drawClip, startInference, type TestInference } from './testing/inference.js';

let inference: TestInference;
let gateway: Gateway;
let clip: Uint8Array<ArrayBuffer>;
let done: JobJson;

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${gateway.url}${path}`, { headers });
const named = (name: string, content = clip) => ({ content, name });

beforeAll(async () => {
  inference = await startInference();
  gateway = await startGateway({
    inferenceAddress: inference.address,
    port: 0,
    uploadLimitBytes: 32 * 2 ** 20,
    uploadIdleMs: 400,
    heartbeatMs: 50,
  });
  clip = new Uint8Array(readFileSync(drawClip(inference.folder)));
}, 120_000);

afterAll(async () => {
  await gateway?.close(500);
  await inference?.remove();
});

describe('A video that is uploaded', () => {
  test('gets a soundtrack: accepted at once, followed to its end, played', async () => {
    const posted = await postForm(gateway.url, { kind: 'foley', sound: 'wood', seed: '7' }, named('망치 "1".mp4'));
    expect(posted.status).toBe(202);
    const accepted = await readJob(posted);
    expect(posted.headers.get('location')).toBe(`/v1/jobs/${accepted.id}`);
    expect(accepted.request).toMatchObject({
      fileName: '망치 "1".mp4',
      sound: 'wood',
      seed: '7',
      keepOriginal: false,
      source: { sizeBytes: clip.length, sha256: sha256(clip), mediaType: 'video/mp4' },
    });

    const states = await untilEnded(gateway.url, accepted.id);
    done = states.at(-1)!;
    expect({ state: done.state, error: done.error }).toEqual({ state: 'succeeded' });
    expect(done.fraction).toBe(1);
    expect(done.steps.map((step) => step.name)).toEqual(
      expect.arrayContaining(['look', 'what', 'when', 'sound', 'mix', 'mux']),
    );
    const fractions = states.map((job) => job.fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(done.result?.durationS).toBeCloseTo(4, 1);
    expect(done.result?.candidates).toHaveLength(1);
    const [candidate] = done.result!.candidates;
    expect(candidate!.hits).toBeGreaterThan(2);
    expect(candidate!.sounds.length).toBeGreaterThan(0);
    expect(candidate!.seed).toBe('7');
    // Each answer signs an address anew.
    const links = { ...done.links, signedResult: expect.any(String) };
    expect(await readJob(await get(`/v1/jobs/${done.id}`))).toEqual({ ...done, links });

    const played = await get(done.links.result!);
    expect(played.status).toBe(200);
    expect(played.headers.get('content-type')).toBe('video/mp4');
    const bytes = new Uint8Array(await played.arrayBuffer());
    expect(sha256(bytes)).toBe(done.result?.candidates[0]?.video?.sha256);
    expect(bytes.length).toBe(Number(played.headers.get('content-length')));
  }, 60_000);

  test('can be played beside the result, byte for byte as it came', async () => {
    const source = await get(done.links.source!);
    expect(sha256(new Uint8Array(await source.arrayBuffer()))).toBe(sha256(clip));
    expect(source.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('is saved under its own name', async () => {
    const saved = await get(`${done.links.result}?download=1`);
    await saved.body?.cancel();
    expect(saved.headers.get('content-disposition')).toBe(
      `attachment; filename="__ 1 with sound.mp4"; filename*=UTF-8''%EB%A7%9D%EC%B9%98%201%20with%20sound.mp4`,
    );
  });

  test('can be sought: ranges, their ends, conditions', async () => {
    const whole = Buffer.from(await (await get(done.links.result!)).arrayBuffer());
    const part = async (range: string, headers: Record<string, string> = {}) => {
      const response = await get(done.links.result!, { range, ...headers });
      return { response, bytes: Buffer.from(await response.arrayBuffer()) };
    };
    const middle = await part('bytes=100-299');
    expect(middle.response.status).toBe(206);
    expect(middle.response.headers.get('content-range')).toBe(`bytes 100-299/${whole.length}`);
    expect(middle.bytes.equals(whole.subarray(100, 300))).toBe(true);
    expect((await part('bytes=-50')).bytes.equals(whole.subarray(-50))).toBe(true);
    expect((await part('bytes=500-')).bytes.equals(whole.subarray(500))).toBe(true);

    const beyond = await part(`bytes=${whole.length}-`);
    expect(beyond.response.status).toBe(416);
    expect(beyond.response.headers.get('content-range')).toBe(`bytes */${whole.length}`);

    const etag = middle.response.headers.get('etag')!;
    expect((await get(done.links.result!, { 'if-none-match': etag })).status).toBe(304);
    expect((await part('bytes=0-9', { 'if-range': etag })).response.status).toBe(206);
    expect((await part('bytes=0-9', { 'if-range': '"another"' })).response.status).toBe(200);

    const head = await fetch(`${gateway.url}${done.links.result}`, { method: 'HEAD' });
    expect(Number(head.headers.get('content-length'))).toBe(whole.length);
    expect(head.headers.get('accept-ranges')).toBe('bytes');
  });

  test('can be given another take without another upload', async () => {
    const again = await fetch(`${gateway.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'foley', sourceJob: done.id, sound: 'wood', seed: '8' }),
    });
    expect(again.status).toBe(202);
    const job = await readJob(again);
    expect(job.id).not.toBe(done.id);
    expect(job.request).toMatchObject({ seed: '8', fileName: '망치 "1".mp4', source: { sha256: sha256(clip) } });
    expect((await untilEnded(gateway.url, job.id)).at(-1)?.state).toBe('succeeded');
  }, 60_000);

  test('stands first in the list of jobs', async () => {
    const job = await readJob(await postForm(gateway.url, { kind: 'foley', sound: 'drum' }, named('latest.mp4')));
    const first = (await (await get('/v1/jobs?pageSize=1')).json()) as { jobs: JobJson[]; nextPageToken: string };
    expect(first.jobs.map(({ id }) => id)).toEqual([job.id]);
    const next = (await (await get(`/v1/jobs?pageToken=${encodeURIComponent(first.nextPageToken)}`)).json()) as {
      jobs: JobJson[];
    };
    expect(next.jobs.map(({ id }) => id)).toContain(done.id);
    expect(next.jobs.map(({ id }) => id)).not.toContain(job.id);
    await untilEnded(gateway.url, job.id);
  }, 60_000);
});

describe('A request that is repeated', () => {
  test('with the same Idempotency-Key gives the same job, and another request under that key is refused', async () => {
    const key = { 'idempotency-key': 'a-key-of-the-client' };
    const first = await readJob(await postForm(gateway.url, { kind: 'foley', sound: 'metal' }, named('a.mp4'), key));
    const second = await readJob(await postForm(gateway.url, { kind: 'foley', sound: 'metal' }, named('a.mp4'), key));
    expect(second.id).toBe(first.id);
    const other = await postForm(gateway.url, { kind: 'foley', sound: 'drum' }, named('a.mp4'), key);
    expect(other.status).toBe(409);
    expect((await readProblem(other)).reason).toBe('ALREADY_EXISTS');
    await untilEnded(gateway.url, first.id);
  }, 60_000);

  test('needs a plain key', async () => {
    const refused = await postForm(gateway.url, { kind: 'foley' }, named('a.mp4'), {
      'idempotency-key': 'x'.repeat(200),
    });
    expect((await readProblem(refused)).violations?.[0]?.field).toBe('Idempotency-Key');
  });
});

describe('A job that is cancelled', () => {
  test('ends as cancelled and has no result', async () => {
    const long = new Uint8Array(
      readFileSync(drawClip(inference.folder, { name: 'long.mp4', seconds: 60, size: '640x480' })),
    );
    const job = await readJob(await postForm(gateway.url, { kind: 'foley' }, named('long.mp4', long)));
    for await (const { data } of readEvents(await get(job.links.events))) {
      if ((data as JobJson).state === 'running') break;
    }
    const asked = await fetch(`${gateway.url}${job.links.cancel}`, { method: 'POST' });
    expect(asked.status).toBe(200);
    expect((await untilEnded(gateway.url, job.id)).at(-1)?.state).toBe('cancelled');
    expect((await get(`/v1/jobs/${job.id}/result`)).status).toBe(404);
    const deleted = await fetch(`${gateway.url}${job.links.self}`, { method: 'DELETE' });
    expect((await readJob(deleted)).state).toBe('cancelled');
  }, 60_000);
});

describe('Something that can’t be used', () => {
  test.each([
    ['no file', { kind: 'foley' }, undefined, 'file'],
    ['another kind', { kind: 'describe' }, 'a.mp4', 'kind'],
    ['an unknown field', { kind: 'foley', colour: 'red' }, 'a.mp4', 'colour'],
    ['a seed with letters', { kind: 'foley', seed: '12x' }, 'a.mp4', 'seed'],
    ['a switch that is neither', { kind: 'foley', keepOriginal: 'maybe' }, 'a.mp4', 'keepOriginal'],
    ['a quality that is none', { kind: 'foley', quality: 'best' }, 'a.mp4', 'quality'],
    ['nine candidates', { kind: 'foley', candidates: '9' }, 'a.mp4', 'candidates'],
    ['no candidate', { kind: 'foley', candidates: '0' }, 'a.mp4', 'candidates'],
    ['a length that is no number', { kind: 'foley', stillDurationS: '1e9' }, 'a.mp4', 'stillDurationS'],
    ['a mute of signs', { kind: 'foley', mute: 'music,<b>' }, 'a.mp4', 'mute'],
    ['a sound of two lines', { kind: 'foley', sound: 'a\nb' }, 'a.mp4', 'sound'],
    ['a wrong size', { kind: 'foley', sizeBytes: '5' }, 'a.mp4', 'sizeBytes'],
  ])('is refused with the field: %s', async (_what, fields, name, field) => {
    const refused = await postForm(gateway.url, fields, name ? named(name) : undefined);
    expect(refused.status).toBe(400);
    const problem = await readProblem(refused);
    expect(problem).toMatchObject({ reason: 'BAD_INPUT', status: 400, instance: '/v1/jobs' });
    expect(problem.violations?.map((violation) => violation.field)).toContain(field);
  });

  test('is refused by the service behind, in its own words: a sound that nobody has', async () => {
    const refused = await postForm(gateway.url, { kind: 'foley', sound: 'xyzzy' }, named('a.mp4'));
    const problem = await readProblem(refused);
    expect(problem).toMatchObject({ status: 400, reason: 'BAD_INPUT' });
    expect(problem.detail).toContain('xyzzy');
  });

  test('is refused when it is empty', async () => {
    const refused = await postForm(gateway.url, { kind: 'foley' }, named('nothing.mp4', new Uint8Array()));
    expect((await readProblem(refused)).detail).toContain('"nothing.mp4" is empty');
  });

  test('is refused when it is larger than the limit, and the limit is told', async () => {
    const refused = await postForm(gateway.url, { kind: 'foley', sizeBytes: String(2 ** 40) }, named('huge.mp4'));
    expect(refused.status).toBe(413);
    expect((await readProblem(refused)).detail).toContain('32 MiB');
  });

  test('fails as a job with a sentence: a text file named .mp4', async () => {
    const text = new Uint8Array(Buffer.from('This is no video.\n'.repeat(50)));
    const job = await readJob(await postForm(gateway.url, { kind: 'foley' }, named('letter.mp4', text)));
    const ended = (await untilEnded(gateway.url, job.id)).at(-1)!;
    expect(ended.state).toBe('failed');
    expect(ended.error?.reason).toBe('BAD_INPUT');
    expect(ended.error?.message).toContain('letter.mp4');
  }, 30_000);

  test.each(['/v1/jobs/none', '/v1/jobs/none/events', '/v1/jobs/none/result', '/v1/jobs/..%2f..%2fetc', '/nothing'])(
    'is not found: %s',
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect((await readProblem(response)).reason).toBe('NOT_FOUND');
    },
  );
});

describe('An upload', () => {
  test('of many megabytes streams through, however it tells its size', async () => {
    const content = new Uint8Array(randomBytes(20 * 2 ** 20));
    const implied = await readJob(await postForm(gateway.url, { kind: 'foley' }, named('noise.mp4', content)));
    expect(implied.request?.source).toMatchObject({ sizeBytes: content.length, sha256: sha256(content) });
    const fields = { kind: 'foley', seed: '1', sizeBytes: String(content.length) };
    const stated = await readJob(await postForm(gateway.url, fields, named('noise.mp4', content)));
    expect(stated.request?.source?.sha256).toBe(sha256(content));
    expect((await untilEnded(gateway.url, stated.id)).at(-1)?.state).toBe('failed');
  }, 30_000);

  test('that breaks off goes on where it was, under the same key', async () => {
    const content = randomBytes(20 * 2 ** 20);
    const key = { 'idempotency-key': 'broken-upload' };
    const head = Buffer.from(
      ['kind', 'foley', 'sizeBytes', String(content.length)]
        .reduce(
          (parts, _, i, all) =>
            i % 2 ? parts : `${parts}--B\r\nContent-Disposition: form-data; name="${all[i]}"\r\n\r\n${all[i + 1]}\r\n`,
          '',
        )
        .concat(
          '--B\r\nContent-Disposition: form-data; name="file"; filename="cut.mp4"\r\nContent-Type: video/mp4\r\n\r\n',
        ),
    );
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: ${key['idempotency-key']}\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: ${head.length + content.length + 9}\r\n\r\n`,
    );
    socket.write(head);
    await new Promise<void>((resolve) => socket.write(content.subarray(0, 18 * 2 ** 20), () => resolve()));
    await sleep(200);
    socket.destroy();
    await sleep(200);

    const before = (await (await get('/v1/jobs?pageSize=1000')).json()) as { jobs: JobJson[] };
    expect(before.jobs.map((job) => job.request?.fileName)).not.toContain('cut.mp4');
    const again = await postForm(
      gateway.url,
      { kind: 'foley', sizeBytes: String(content.length) },
      named('cut.mp4', new Uint8Array(content)),
      key,
    );
    expect((await readJob(again)).request?.source?.sha256).toBe(sha256(content));
  }, 30_000);

  test('that stands still is given up with a time-out', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      'POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 1000\r\n\r\n--B\r\nContent-Disposition: form-data; name="kind"\r\n\r\nfo',
    );
    const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 504 /);
    expect(answer).toContain('DEADLINE_EXCEEDED');
  });
});

describe('Following a job', () => {
  test('sends comments while nothing changes, and Last-Event-ID does no harm', async () => {
    const long = new Uint8Array(
      readFileSync(drawClip(inference.folder, { name: 'l.mp4', seconds: 30, size: '640x480' })),
    );
    const job = await readJob(await postForm(gateway.url, { kind: 'foley', seed: '3' }, named('l.mp4', long)));
    const response = await get(job.links.events, { 'last-event-id': '99' });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const seen = new Set<string>();
    for await (const { event } of readEvents(response)) {
      seen.add(event);
      if (seen.has(':') && seen.has('job')) break;
    }
    expect([...seen].toSorted()).toEqual([':', 'job']);
    await fetch(`${gateway.url}${job.links.cancel}`, { method: 'POST' });
    await untilEnded(gateway.url, job.id);
  }, 30_000);

  test('of a job that has ended tells it once and ends', async () => {
    expect(await untilEnded(gateway.url, done.id)).toEqual([done]);
  });
});

describe('A gateway that stops', () => {
  test('tells who follows a job that the job goes on, and ends at once', async () => {
    const other = await startGateway({ inferenceAddress: inference.address, port: 0 });
    const content = new Uint8Array(
      readFileSync(drawClip(inference.folder, { name: 's.mp4', seconds: 30, size: '640x480' })),
    );
    const job = await readJob(await postForm(other.url, { kind: 'foley', seed: '4' }, named('s.mp4', content)));
    const events = readEvents(await fetch(`${other.url}${job.links.events}`));
    await events.next();
    const startMs = performance.now();
    await other.close();
    expect(performance.now() - startMs).toBeLessThan(3000);
    const told: string[] = [];
    for await (const { event } of events) told.push(event);
    expect(told.at(-1)).toBe('problem');
    expect((await readJob(await get(job.links.self))).state).toMatch(/queued|running/);
    await fetch(`${gateway.url}${job.links.cancel}`, { method: 'POST' });
  }, 30_000);
});

describe('Another site', () => {
  test('can’t start or cancel jobs, frame the page or run script in it', async () => {
    const foreign = await postForm(gateway.url, { kind: 'foley' }, named('a.mp4'), { 'sec-fetch-site': 'cross-site' });
    expect(foreign.status).toBe(403);
    const page = await get('/');
    expect(page.status).toBe(200);
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|\son\w+=|__[A-Z_]+__/);
    expect(html).toContain(/nonce-([^']+)'/.exec(policy)![1]!);
  });
});

describe('The description of the API', () => {
  test('lists every route, with forms, files, events and problems', async () => {
    const document = (await (await get('/openapi.json')).json()) as {
      openapi: string;
      paths: Record<
        string,
        Record<string, { requestBody?: { content: object }; responses: Record<string, { content?: object }> }>
      >;
      components: { schemas: Record<string, unknown> };
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).toSorted()).toEqual([
      '/healthz',
      '/readyz',
      '/v1/jobs',
      '/v1/jobs/{id}',
      '/v1/jobs/{id}/cancel',
      '/v1/jobs/{id}/candidates/{number}/cues',
      '/v1/jobs/{id}/candidates/{number}/cues.vtt',
      '/v1/jobs/{id}/candidates/{number}/video',
      '/v1/jobs/{id}/events',
      '/v1/jobs/{id}/evidence',
      '/v1/jobs/{id}/link',
      '/v1/jobs/{id}/report',
      '/v1/jobs/{id}/result',
      '/v1/jobs/{id}/source',
      '/v1/sounds',
      '/v1/sounds/{class}',
      '/v1/uploads',
    ]);
    const create = document.paths['/v1/jobs']!.post!;
    expect(Object.keys(create.requestBody!.content)).toEqual(['multipart/form-data', 'application/json']);
    expect(Object.keys(create.responses['400']!.content!)).toEqual(['application/problem+json']);
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(['Job', 'Problem']));
    expect(Object.keys(document.paths['/v1/jobs/{id}/events']!.get!.responses['200']!.content!)).toEqual([
      'text/event-stream',
    ]);
  });
});

describe('When the service behind is gone', () => {
  test('the gateway is alive and not ready, and says what to do', async () => {
    expect((await get('/readyz')).status).toBe(200);
    await inference.kill();
    expect((await get('/healthz')).status).toBe(200);
    const ready = await get('/readyz');
    expect(ready.status).toBe(503);
    expect(ready.headers.get('retry-after')).toBe('2');
    expect((await readProblem(ready)).detail).toContain('can’t be reached');
    const refused = await postForm(gateway.url, { kind: 'foley' }, named('a.mp4'));
    expect(refused.status).toBe(503);
  });
});
