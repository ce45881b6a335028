import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { demoClip } from '@soundstage/inference';
import { createTestAuthority, startTestIssuer, until, type TestAuthority } from '@soundstage/core/testing';
import { addToFile, makeKey } from './new-key.js';
import { testFolder, type Run, type TestFolder } from '../testing/run-cli.js';

let folder: TestFolder;
let authority: TestAuthority;
let spans: Server;
let spanText = '';
const processes: ChildProcess[] = [];
/** Everything that anything printed or answered. */
const printed: string[] = [];

beforeAll(async () => {
  folder = testFolder();
  authority = await createTestAuthority(folder.root);
  spans = createServer((incoming, response) => {
    incoming.on('data', (data: Buffer) => (spanText += data.toString('latin1')));
    incoming.on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  }).listen(0, '127.0.0.1');
  await once(spans, 'listening');
});
afterAll(async () => {
  for (const process of processes) process.kill('SIGKILL');
  spans?.closeAllConnections();
  spans?.close();
  folder?.remove();
});

/** A service's own process; what it prints is kept. @returns the line that says where it serves */
async function start(name: 'inference' | 'gateway', env: Record<string, string>): Promise<Record<string, unknown>> {
  const main = new URL(`../../../../services/${name}/dist/main.js`, import.meta.url).pathname;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', SOUNDSTAGE_LOG_LEVEL: 'trace', ...env },
  });
  processes.push(child);
  return new Promise((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      printed.push(line);
      if (/"msg":"(gateway )?serving"/.test(line)) resolve(JSON.parse(line) as Record<string, unknown>);
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}:\n${printed.join('\n')}`)));
  });
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}
function ask(url: string, method: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, ca: readFileSync(authority.caFile) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (data: string) => (text += data));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    })
      .on('error', reject)
      .end(body);
  });
}

/** Every file under a folder, as text. */
async function contentsOf(root: string): Promise<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
}

test('No secret is ever written: not in logs at level trace, errors, metrics, spans or records of jobs', async () => {
  const keysFile = folder.path('keys.json');
  const told = await folder.soundstage(['keys', 'new', 'alice', '--expires', '90d', '--file', keysFile]);
  expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining('alice is new, with write') });
  expect(told.stdout).toMatch(/^soundstage_[\w-]{43}\n$/);
  const key = told.stdout.trim();
  const forGateway = makeKey({ name: 'gateway', scopes: ['write', 'delegate'] });
  await addToFile(keysFile, forGateway);
  const gatewayKey = forGateway.key;
  writeFileSync(folder.path('gateway.key'), gatewayKey);
  writeFileSync(folder.path('alice.key'), key);
  const issuer = await startTestIssuer();
  const token = await issuer.token({ sub: 'somebody' });
  const expired = await issuer.token({ sub: 'somebody' }, { expiresInS: -600 });

  const common = {
    SOUNDSTAGE_AUTH: 'keys,oidc',
    SOUNDSTAGE_API_KEYS_FILE: keysFile,
    SOUNDSTAGE_OIDC_ISSUER: issuer.url,
    SOUNDSTAGE_OIDC_AUDIENCE: 'soundstage',
    SOUNDSTAGE_TLS_CERT: authority.certFile,
    SOUNDSTAGE_TLS_KEY: authority.keyFile,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(spans.address() as AddressInfo).port}`,
  };
  const home = folder.path('home');
  const { address, metricsPort } = await start('inference', {
    ...common,
    SOUNDSTAGE_HOME: home,
    SOUNDSTAGE_LISTEN: '127.0.0.1:0',
    SOUNDSTAGE_METRICS_PORT: '0',
    SOUNDSTAGE_ROLE: 'front',
  });
  const resultSecret = 'result-secret-'.padEnd(40, 'x');
  const { url } = (await start('gateway', {
    ...common,
    SOUNDSTAGE_GATEWAY_PORT: '0',
    SOUNDSTAGE_INFERENCE: String(address),
    SOUNDSTAGE_TLS_CA: authority.caFile,
    SOUNDSTAGE_TOKEN_FILE: folder.path('gateway.key'),
    SOUNDSTAGE_RESULT_SECRET: resultSecret,
  })) as { url: string };

  const bearer = { authorization: `Bearer ${key}` };
  const loggedIn = await ask(
    `${url}/login`,
    'POST',
    { 'content-type': 'application/x-www-form-urlencoded' },
    new URLSearchParams({ key }).toString(),
  );
  expect(loggedIn.status).toBe(303);
  const cookie = loggedIn.headers['set-cookie']![0]!.split(';')[0]!;
  const wrongKey = `soundstage_${'w'.repeat(43)}`;
  const boundary = 'line';
  const part = (about: string, content: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; ${about}\r\n\r\n${content}\r\n`;
  const film = part('name="file"; filename="a.mp4"\r\ncontent-type: video/mp4', 'film');
  const form = `${part('name="kind"', 'foley')}${film}--${boundary}--\r\n`;
  const made = await ask(
    `${url}/v1/jobs`,
    'POST',
    { cookie, 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': String(form.length) },
    form,
  );
  expect(made.body).toContain('"kind":"foley"');
  const { id } = JSON.parse(made.body) as { id: string };
  const signature = 'c2lnbmF0dXJlLXRoYXQtaXMtbm90LXRydWU';
  const answers = await Promise.all([
    ask(`${url}/v1/jobs/${id}`, 'GET', bearer),
    ask(`${url}/v1/jobs/${id}/link?candidate=1&expiresS=60`, 'GET', bearer),
    ask(`${url}/v1/jobs/${id}/result?expires=9999999999&signature=${signature}`, 'GET', {}),
    ask(`${url}/v1/jobs?token=${key}`, 'GET', {}),
    ask(`${url}/v1/nowhere?access_token=${token}`, 'GET', bearer),
    ask(`${url}/v1/jobs`, 'GET', { authorization: `Bearer ${wrongKey}` }),
    ask(`${url}/v1/jobs`, 'GET', { authorization: `Basic ${Buffer.from(`x:${key}`).toString('base64')}` }),
    ask(`${url}/v1/jobs`, 'GET', { authorization: `Bearer ${token}` }),
    ask(`${url}/v1/jobs`, 'GET', { authorization: `Bearer ${expired}` }),
    ask(`${url}/v1/jobs`, 'GET', { cookie: `${cookie}x` }),
    ask(`${url}/v1/jobs/${id}/cancel`, 'POST', bearer),
    ask(`${url}/login`, 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, `key=${wrongKey}`),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 409, 403, 401, 404, 401, 401, 403, 401, 401, 200, 401]);

  const cli = (args: string[], tokenFile: string): Promise<Run> =>
    folder.soundstage([...args, '--server', String(address)], {
      env: {
        SOUNDSTAGE_TLS_CA: authority.caFile,
        SOUNDSTAGE_TOKEN_FILE: folder.path(tokenFile),
        SOUNDSTAGE_LOG_LEVEL: 'trace',
      },
    });
  writeFileSync(folder.path('wrong.key'), wrongKey);
  // The inference service has no runs, and takes no film from strangers.
  const runs = [await cli(['runs', 'list'], 'alice.key'), await cli(['foley', demoClip.path], 'wrong.key')];
  expect(runs.map(({ code }) => code)).not.toContain(0);
  expect(runs[1]!.stderr).toMatch(/key is not known/);
  issuer.close();

  const metrics = await (await fetch(`http://127.0.0.1:${String(metricsPort)}/metrics`)).text();
  await until(() => spanText.includes('CreateFoley'), 10_000);
  const where = {
    logs: printed.join('\n'),
    answers: answers
      .map(({ body, headers }) => body + JSON.stringify({ ...headers, 'set-cookie': undefined }))
      .join('\n'),
    cli: runs.map(({ stdout, stderr }) => stdout + stderr).join('\n'),
    metrics,
    spans: spanText,
    records: await contentsOf(home),
  };
  // The places are the right ones: what is no secret stands there.
  expect(where.logs).toContain('"who":"alice","via":"gateway"');
  expect(where.logs).toContain('"level":"debug"');
  expect(where.metrics).toContain('UNAUTHENTICATED');
  expect(where.records).toContain(id);

  const pem = readFileSync(authority.keyFile, 'utf8').split('\n')[1]!;
  const secrets = {
    key,
    gatewayKey,
    wrongKey,
    token,
    expired,
    cookie: cookie.split('=')[1]!,
    signature,
    resultSecret,
    pem,
  };
  const found = Object.entries(where).flatMap(([place, text]) =>
    Object.entries(secrets)
      .filter(
        ([, secret]) => text.includes(secret) || text.includes(Buffer.from(secret).toString('base64').slice(0, -4)),
      )
      .map(([name]) => `${name} in ${place}`),
  );
  expect(found).toEqual([]);
}, 120_000);
