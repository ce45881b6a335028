import { expect, test } from '@jest/globals';
import { get } from 'node:http';
import { startGateway } from './server.js';

test('another site can’t pass for this server by a name that it makes point here', async () => {
  const gateway = await startGateway({ port: 0, inferenceAddress: '127.0.0.1:1', names: ['proxied.example'] });
  const { port } = new URL(gateway.url);
  const statusAs = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path: '/healthz', headers: { host }, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
  expect(await statusAs(`rebound.example:${port}`)).toBe(403);
  expect(await statusAs('proxied.example')).toBe(200);
  expect(await statusAs(`LOCALHOST:${port}`)).toBe(200);
  expect(await statusAs(`127.0.0.1:${port}`)).toBe(200);
  await gateway.close();
});
