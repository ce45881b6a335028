import { readFile } from 'node:fs/promises';
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateUploadRequest,
  DownloadRequest,
  TransferServiceService,
  WriteUploadRequest,
} from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { createTestClient, type TestClient } from '@soundstage/core/testing';
import type { Item } from '../item.js';
import { createCollection, settle } from '../items.js';
import { manyOf, sized, type Scenario } from '../scenario.js';

const ALL = ['collector', 'preprocessor', 'feature-extractor', 'inference'] as const;

/** gRPC's frame around a message: not compressed, its length, itself. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Starts a call by hand, so that it can be as slow as one likes. */
function begin(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  return stream.on('error', () => undefined);
}

export const slowClients: Scenario = {
  when: 'clients are slow: uploads stall, downloads aren’t read, requests come a byte at a time',
  backends: ['local', 'google'],
  services: ALL,
  async play({ world, load }) {
    const count = sized(6, 40);
    const big = await world.ask('collector', (client) => client.upload(Buffer.alloc(8 << 20, 7)));
    const collector = world.workers.find(({ service }) => service === 'collector')!;
    const sessions: ClientHttp2Session[] = [];
    const sockets: Socket[] = [];
    for (let n = 0; n < count; n++) {
      const session = connectHttp2(`http://${collector.process.address}`).on('error', () => undefined);
      sessions.push(session);
      if (n % 3 === 0) {
        // Asks for 8 MiB and never reads on.
        const stream = begin(session, TransferServiceService.download.path);
        const request = DownloadRequest.fromPartial({ key: big.key });
        stream.end(framed(DownloadRequest.encode(request).finish()));
        stream.pause();
      } else if (n % 3 === 1) {
        // Announces an upload, sends a part of a chunk, and stalls.
        const { upload } = await world.ask('collector', (client) =>
          client.call(
            TransferServiceService.createUpload,
            CreateUploadRequest.fromPartial({ fileName: 'stalls', sizeBytes: 1_000_000n, mediaType: 'video/mp4' }),
          ),
        );
        const chunk = WriteUploadRequest.fromPartial({ uploadId: upload!.id, data: Buffer.alloc(100_000, 1) });
        begin(session, TransferServiceService.writeUpload.path).write(
          framed(WriteUploadRequest.encode(chunk).finish()).subarray(0, 50_000),
        );
      } else {
        // Says hello a byte at a time.
        const [host, port] = collector.process.address.split(':') as [string, string];
        const socket = connect(Number(port), host).on('error', () => undefined);
        const hello = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
        let at = 0;
        const timer = setInterval(() => {
          if (socket.destroyed || at === hello.length) clearInterval(timer);
          else socket.write(hello.subarray(at, ++at));
        }, 1000);
        socket.once('close', () => clearInterval(timer));
        sockets.push(socket);
      }
    }
    const items = await manyOf(sized(2, 20), 4, () => load.collect());
    await settle(world, items, sized(60_000, 300_000));
    // They don't keep the service from stopping either.
    const { code, tookMs } = await world.stop(collector, 'SIGTERM');
    await world.start('collector', collector.env);
    for (const session of sessions) session.destroy();
    for (const socket of sockets) socket.destroy();
    if (code !== 0 || tookMs > 15_000) throw new Error(`the collector ended with ${code} after ${tookMs} ms`);
    return { items, faults: count, notes: [`stopped beside them in ${(tookMs / 1000).toFixed(1)} s`] };
  },
};

export const manyClients: Scenario = {
  when: '100 clients come at once, some asking for the same thing',
  backends: ['local', 'google'],
  services: ALL,
  async play({ world, load }) {
    const CLIENTS = 100;
    // A clip that the load made; each client sends one of its own, but every tenth asks what the one before asked.
    await load.collect({ sound: true }).then((item) => settle(world, [item], 60_000));
    const clip = await readFile(join(world.clips, `${world.items.at(-1)!.requestId}.mp4`));
    const submittedMs = performance.now();
    const items = Array.from({ length: sized(3, 90) }, (_, own): Item => {
      const requestId = `client-${own}`;
      return { requestId, expected: 'result', jobs: [], ends: new Map(), submittedMs, endedMs: undefined };
    });
    world.items.push(...items);
    const { address } = world.workers.find(({ service }) => service === 'collector')!.process;
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, n) => {
        const own = Math.floor((n * items.length) / CLIENTS);
        const item = items[own]!;
        const content = Buffer.concat([clip, behind(own)]);
        const id = await patiently(address, async (client) => {
          const upload = await client.upload(content, 'video/mp4');
          return (await createCollection(client, item.requestId, { upload }))!.id;
        });
        if (item.jobs.length === 0) item.jobs.push(id);
        else if (item.jobs[0] !== id) throw new Error(`${item.requestId} gave two jobs: ${item.jobs[0]}, ${id}`);
      }),
    );
    return { items, faults: CLIENTS, notes: [`${items.length} different requests`] };
  },
};

/** A client of its own, that asks again while it is told that this may help. */
async function patiently<T>(address: string, ask: (client: TestClient) => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    const client = createTestClient(address);
    try {
      return await ask(client);
    } catch (error) {
      if (!SoundstageError.from(error).retryable || tries === 20) throw error;
      await sleep(500);
    } finally {
      client.close();
    }
  }
}

/** A box that makes an mp4 file another one. */
function behind(n: number): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 16]), Buffer.from('free'), Buffer.from(String(n).padStart(8, '0'))]);
}
