import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '@soundstage/core/testing';
import { refusalOf } from '../refusal.js';
import { startRawServer, startWebServer, type TestServer } from '../testing/web-servers.js';
import type { Reach } from './check-url.js';
import { fetchUrl, type FetchLimits } from './fetch-url.js';
import { retryAfterMs } from './status.js';

const CONTENT = randomBytes(300_000);
/** 40 MB that take 40 kB. */
const BOMB = gzipSync(Buffer.alloc(40_000_000));
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const TIGHT: Partial<FetchLimits> = { bytes: 20_000_000, headersS: 1, totalS: 10, stallS: 1, redirects: 3 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let web: TestServer;
let files = 0;
const others: TestServer[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  web = await startWebServer((request, response) => {
    const [, what = '', rest = ''] = /^\/(\w+)\/?(.*)$/.exec(request.url ?? '') ?? [];
    const type = { 'content-type': 'video/mp4' };
    const headersSeen = Object.keys(request.headers);
    if (what === 'clip') response.writeHead(200, type).end(CONTENT);
    else if (what === 'status') response.writeHead(Number(rest), { 'retry-after': '7' }).end('no');
    else if (what === 'to') response.writeHead(302, { location: decodeURIComponent(rest) }).end();
    else if (what === 'loop') response.writeHead(301, { location: '/loop' }).end();
    else if (what === 'nowhere') response.writeHead(302).end();
    else if (what === 'as') response.writeHead(200, { 'content-type': decodeURIComponent(rest) }).end(CONTENT);
    else if (what === 'empty') response.writeHead(200, type).end();
    else if (what === 'huge') response.writeHead(200, { ...type, 'content-length': '99999999999' }).write('x');
    else if (what === 'headers') response.writeHead(200, type).end(headersSeen.join(' '));
    else if (what === 'gzip') response.writeHead(200, { ...type, 'content-encoding': 'gzip' }).end(gzipSync(CONTENT));
    else if (what === 'bomb') response.writeHead(200, { ...type, 'content-encoding': 'gzip' }).end(BOMB);
    else if (what === 'broken')
      response.writeHead(200, { ...type, 'content-encoding': 'gzip' }).end('this is no gzip at all');
    else if (what === 'strange') response.writeHead(200, { ...type, 'content-encoding': 'zip, gzip' }).end(CONTENT);
    else if (what === 'endless') {
      response.writeHead(200, type);
      const more = () => {
        while (!response.destroyed && response.write(CONTENT));
      };
      response.on('drain', more);
      more();
    } else if (what === 'trickle') {
      response.writeHead(200, type);
      const timer = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(timer));
    } else if (what === 'silence') response.writeHead(200, type).write('x');
    // Everything else is never answered.
  });
});

afterEach(async () => {
  await Promise.all(others.splice(0).map((server) => server.close()));
});

afterAll(async () => {
  await web.close();
  await folder.remove();
});

const reachOf = (allow: string[], resolve: Reach['resolve'] = () => Promise.reject(new Error('asked'))): Reach => ({
  ports: [80, 443],
  allow: new Set(allow),
  resolve,
});
const newPath = () => join(folder.path, `file-${++files}`);
const fetchFrom = (url: string, reach = reachOf([web.host]), limits = TIGHT, signal?: AbortSignal) =>
  fetchUrl(url, newPath(), { reach, limits, ...(signal ? { signal } : {}) });
const refusal = (fetching: Promise<unknown>) =>
  fetching.then(
    () => ({ reason: 'none at all' }),
    (error: unknown) => refusalOf(error),
  );
const raw = async (talk: Parameters<typeof startRawServer>[0]) => {
  const server = await startRawServer(talk);
  others.push(server);
  return server;
};

describe('the fetcher', () => {
  test('brings a file and its hash, through redirects', async () => {
    const path = newPath();
    const url = `http://${web.host}/to/${encodeURIComponent(`http://${web.host}/to/${encodeURIComponent('/clip')}`)}`;
    const fetched = await fetchUrl(url, path, { reach: reachOf([web.host]), limits: TIGHT });
    expect(fetched).toEqual({ sha256: SHA256, sizeBytes: CONTENT.length, finalUrl: `http://${web.host}/clip` });
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
  });

  test('unpacks what a server packed unasked', async () => {
    expect(await fetchFrom(`http://${web.host}/gzip`)).toMatchObject({ sha256: SHA256 });
  });

  test('sends nothing about this machine', async () => {
    const path = newPath();
    await fetchUrl(`http://${web.host}/headers`, path, { reach: reachOf([web.host]), limits: TIGHT });
    const sent = (await readFile(path, 'utf8')).split(' ').sort();
    expect(sent).toEqual(['accept', 'accept-encoding', 'connection', 'host', 'user-agent']);
  });
});

describe('the fetcher keeps out of the own network:', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://0.0.0.0/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'http://10.1.2.3/',
    'http://100.100.100.200/',
  ])('it refuses %s', async (url) => {
    expect(await refusal(fetchFrom(url, reachOf([])))).toMatchObject({ reason: 'private_address', final: true });
  });

  test('it refuses a name that leads to loopback, without connecting', async () => {
    const before = web.connections();
    const reach = { ...reachOf([], async () => ['127.0.0.1']), ports: [web.port] };
    expect(await refusal(fetchFrom(`http://harmless.test:${web.port}/clip`, reach))).toMatchObject({
      reason: 'private_address',
    });
    expect(web.connections()).toBe(before);
  });

  test('it refuses a name with one private address among public ones', async () => {
    const reach = reachOf([], async () => ['93.184.215.14', '2606:4700::1111', '192.168.1.1']);
    expect(await refusal(fetchFrom('http://mixed.test/clip', reach))).toMatchObject({ reason: 'private_address' });
  });

  test('it looks again after each redirect', async () => {
    const before = web.connections();
    const inside = await startWebServer((_, response) => response.end('secret'));
    others.push(inside);
    for (const target of [`http://${inside.host}/`, `http://inside.test:${inside.port}/`, 'http://[::1]/']) {
      const reach = { ...reachOf([web.host], async () => ['127.0.0.1']), ports: [80, inside.port] };
      const url = `http://${web.host}/to/${encodeURIComponent(target)}`;
      expect(await refusal(fetchFrom(url, reach))).toMatchObject({ reason: 'private_address' });
    }
    expect(inside.connections()).toBe(0);
    expect(web.connections()).toBe(before + 3);
  });

  test('it connects to the address that it checked, and never asks for it again (DNS rebinding)', async () => {
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    let asked = 0;
    const reach = reachOf([`rebind.test:${web.port}`], async () => answers[Math.min(asked++, 1)]!);
    const fetched = await fetchFrom(`http://rebind.test:${web.port}/clip`, reach);
    // No resolver of the machine knows this name: the connection can only have used the answer that was checked.
    expect(fetched.sha256).toBe(SHA256);
    expect(asked).toBe(1);
    // A rebinding name that was public at first is looked at anew on the next hop, and refused then.
    const later: string[][] = [['127.0.0.1'], ['10.0.0.1']];
    let hop = 0;
    const hopping = {
      ...reachOf([`first.test:${web.port}`], async () => later[Math.min(hop++, 1)]!),
      ports: [web.port],
    };
    const url = `http://first.test:${web.port}/to/${encodeURIComponent(`http://second.test:${web.port}/clip`)}`;
    expect(await refusal(fetchFrom(url, hopping))).toMatchObject({ reason: 'private_address' });
  });

  test.each([
    ['ftp://example.org/clip', 'bad_url'],
    ['file:///etc/passwd', 'bad_url'],
    ['gopher://example.org/', 'bad_url'],
    ['data:video/mp4;base64,AAAA', 'bad_url'],
    ['http://user:secret@example.org/', 'bad_url'],
    ['//example.org/clip', 'bad_url'],
    [`http://example.org/${'x'.repeat(2100)}`, 'bad_url'],
    ['http://example.org:22/', 'port_refused'],
    ['http://example.org:6379/', 'port_refused'],
  ])('it refuses %s as %s', async (url, reason) => {
    const refused = await refusal(fetchFrom(url, reachOf([])));
    expect(refused).toMatchObject({ reason, final: true });
    expect(JSON.stringify(refused)).not.toContain('secret');
  });

  test('it refuses a redirect to another scheme', async () => {
    const url = `http://${web.host}/to/${encodeURIComponent('file:///etc/passwd')}`;
    expect(await refusal(fetchFrom(url))).toMatchObject({ reason: 'bad_url' });
  });
});

describe('the fetcher bears with any server:', () => {
  test.each([
    ['loop', 'too_many_redirects', true],
    ['nowhere', 'bad_redirect', true],
    ['status/404', 'http_404', true],
    ['status/500', 'http_500', false],
    ['status/206', 'http_206', true],
    ['status/429', 'rate_limited', false],
    ['status/503', 'rate_limited', false],
    ['as/text%2Fhtml', 'wrong_content_type', true],
    ['as/application%2Fvnd.apple.mpegurl', 'wrong_content_type', true],
    ['empty', 'unreadable', true],
    ['huge', 'too_large', true],
    ['endless', 'too_large', true],
    ['bomb', 'bad_encoding', true],
    ['broken', 'bad_encoding', true],
    ['strange', 'bad_encoding', true],
    ['silence', 'too_slow', false],
    ['trickle', 'too_slow', false],
    ['never', 'too_slow', false],
  ])('%s ends as %s', async (what, reason, final) => {
    expect(await refusal(fetchFrom(`http://${web.host}/${what}`))).toMatchObject({ reason, final });
  });

  test('a content that is packed may not grow over the limit either', async () => {
    expect(
      await refusal(fetchFrom(`http://${web.host}/gzip`, reachOf([web.host]), { ...TIGHT, bytes: 100_000 })),
    ).toMatchObject({
      reason: 'too_large',
    });
  });

  test('a server that promises more than it sends is cut off, not taken for whole', async () => {
    const liar = await raw((socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 5000\r\n\r\nshort'),
      );
    });
    expect(await refusal(fetchFrom(`http://${liar.host}/`, reachOf([liar.host])))).toMatchObject({
      reason: 'cut_off',
      final: false,
    });
  });

  test('what a server sends beyond its promise is not read', async () => {
    const liar = await raw((socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 5\r\n\r\nshort and much more'),
      );
    });
    const path = newPath();
    await fetchUrl(`http://${liar.host}/`, path, { reach: reachOf([liar.host]), limits: TIGHT });
    expect(await readFile(path, 'utf8')).toBe('short');
  });

  test.each([
    [
      'a header that drips in (slow loris)',
      (send: (text: string) => void) => {
        send('HTTP/1.1 200 OK\r\nx: ');
        return setInterval(() => send('x'), 20);
      },
      'too_slow',
    ],
    ['no HTTP', (send: (text: string) => void) => void send('SSH-2.0-OpenSSH_9.2\r\n'), 'bad_response'],
    [
      'headers without end',
      (send: (text: string) => void) => void send(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}`),
      'bad_response',
    ],
  ])('%s', async (_what, talk, reason) => {
    const server = await raw((socket) => {
      socket.once('data', () => {
        const timer = talk((text) => void socket.write(text));
        socket.on('close', () => timer && clearInterval(timer));
      });
    });
    expect(await refusal(fetchFrom(`http://${server.host}/`, reachOf([server.host])))).toMatchObject({ reason });
  });

  test('a slow body ends with the whole time, however steady it is', async () => {
    const limits = { ...TIGHT, totalS: 0.5, stallS: 60 };
    const refused = await refusal(fetchFrom(`http://${web.host}/trickle`, reachOf([web.host]), limits));
    expect(refused).toMatchObject({ reason: 'too_slow' });
  });

  test('a port that nobody listens on, a name that nobody knows, a certificate of nobody', async () => {
    const gone = await startWebServer(() => undefined);
    await gone.close();
    expect(await refusal(fetchFrom(`http://${gone.host}/`, reachOf([gone.host])))).toMatchObject({
      reason: 'unreachable',
    });
    const unknown = async () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    expect(await refusal(fetchFrom('http://nobody.test/', reachOf([], unknown)))).toMatchObject({
      reason: 'host_unknown',
      final: false,
    });
    // Plain HTTP where TLS was asked for.
    expect(await refusal(fetchFrom(`https://${web.host}/`, reachOf([web.host])))).toMatchObject({ reason: 'tls' });
  });

  test('waits as long as a server asks for, in seconds or until a date, and no longer than a quarter of an hour', async () => {
    const error: unknown = await fetchFrom(`http://${web.host}/status/429`).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'UNAVAILABLE', retryable: true, retryAfterMs: 7000 });
    expect(retryAfterMs('Fri, 31 Dec 1999 23:59:59 GMT', Date.parse('1999-12-31T23:59:29Z'))).toBe(30_000);
    expect(retryAfterMs('soon', 0)).toBeUndefined();
    const patient = await startWebServer((_, response) => response.writeHead(429, { 'retry-after': '9999' }).end());
    others.push(patient);
    const tooLong: unknown = await fetchFrom(`http://${patient.host}/`, reachOf([patient.host])).catch(
      (e: unknown) => e,
    );
    expect(tooLong).toMatchObject({ retryable: false });
    expect(refusalOf(tooLong)).toMatchObject({ reason: 'pause_too_long', final: false });
  });

  test('a fetch that is cancelled ends at once, as cancelled', async () => {
    const abort = new AbortController();
    const fetching = refusal(
      fetchFrom(`http://${web.host}/endless`, reachOf([web.host]), { ...TIGHT, bytes: 1e12 }, abort.signal),
    );
    const startedMs = Date.now();
    setTimeout(() => abort.abort(), 100);
    expect(await fetching).toMatchObject({ reason: 'cancelled', final: false });
    expect(Date.now() - startedMs).toBeLessThan(1500);
  });
});
