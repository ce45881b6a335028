import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';

/** What befalls one request. */
export type Fault =
  /** An answer in place of the server's, which hears nothing. */
  | { kind: 'answer'; status: number; retryAfterS?: number }
  /** The line breaks before the server hears of it. */
  | { kind: 'cut' }
  /** No answer for so long, then the line breaks; the server hears nothing. */
  | { kind: 'hang'; ms: number }
  /** The server does as it was told, and the line breaks before its answer comes. */
  | { kind: 'lose' }
  /** The answer's body breaks off after so many bytes. */
  | { kind: 'truncate'; bytes: number }
  /** One bit of the answer's body is turned. */
  | { kind: 'damage' };

export interface FaultProxy {
  url: string;
  /** Asked for each request; undefined lets it pass. */
  plan: (request: IncomingMessage) => Fault | undefined;
  /** Told +1 when the sending of an answer begins, -1 when it ends or its line is hung up. */
  watch: (change: 1 | -1) => void;
  /** How many faults there were. */
  faults: number;
  close(): Promise<void>;
}

/**
 * Stands before a server and does to its traffic what networks and overloaded servers do.
 *
 * Besides, it answers by itself what the server that stands in for Cloud Storage gets wrong: how far a resumable
 * upload has come (`content-range: bytes * of N`), which that server takes for the end of the upload. The answers are
 * those of Google's documentation.
 */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  /** Sessions of resumable uploads: bytes that have come, and the last answer once all have. */
  const sessions = new Map<string, { bytes: number; final?: { status: number; body: Buffer } }>();
  const to = new URL(target);

  async function serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const fault = proxy.plan(incoming);
    if (fault) proxy.faults++;
    if (fault?.kind === 'cut') return void incoming.socket.destroy();
    if (fault?.kind === 'hang') return void setTimeout(() => incoming.socket.destroy(), fault.ms);
    const body = await buffer(incoming);
    if (fault?.kind === 'answer') {
      answer.writeHead(
        fault.status,
        fault.retryAfterS === undefined ? {} : { 'retry-after': String(fault.retryAfterS) },
      );
      return void answer.end('the server is having a bad day');
    }
    const id = new URL(incoming.url!, target).searchParams.get('upload_id');
    const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/.exec(incoming.headers['content-range'] ?? '');
    const session = id === null ? undefined : (sessions.get(id) ?? { bytes: 0 });
    if (session && range && (range[1] === undefined || session.final)) {
      if (session.final) return void answer.writeHead(session.final.status).end(session.final.body);
      answer.writeHead(308, session.bytes > 0 ? { range: `bytes=0-${session.bytes - 1}` } : {});
      return void answer.end();
    }
    const outgoing = httpRequest({
      host: to.hostname,
      port: to.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...incoming.headers, host: to.host, 'content-length': String(body.length) },
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    let content = await buffer(response);
    if (id !== null && session && range) {
      session.bytes = Number(range[2]) + 1;
      if (response.statusCode === 200) session.final = { status: 200, body: content };
      sessions.set(id, session);
    }
    if (fault?.kind === 'lose') return void incoming.socket.destroy();
    const headers = { ...response.headers };
    if (headers.location) headers.location = headers.location.replace(to.origin, proxy.url);
    if (fault?.kind === 'damage' && content.length > 0) {
      content = Buffer.from(content);
      content[content.length >> 1]! ^= 1;
    }
    proxy.watch(1);
    answer.once('close', () => proxy.watch(-1));
    answer.writeHead(response.statusCode!, headers);
    if (fault?.kind !== 'truncate') return void answer.end(content);
    answer.write(content.subarray(0, fault.bytes), () => setTimeout(() => incoming.socket.destroy(), 20));
  }

  const server = createServer((incoming, answer) => {
    serve(incoming, answer).catch(() => incoming.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    plan: () => undefined,
    watch: () => undefined,
    faults: 0,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
