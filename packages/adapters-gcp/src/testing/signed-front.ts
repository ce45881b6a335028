import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { bucketCors } from '../objects/bucket-cors.js';
import { refusalOf } from './signature.js';

export interface SignedFront {
  url: string;
  /** Origins of pages that the bucket's CORS rules name. */
  origins: string[];
  /** Signed requests and parts of uploads, `METHOD path status`, in their order. */
  seen: string[];
  close(): Promise<void>;
}

/**
 * Stands before the server that stands in for Cloud Storage and does what Google documents of signed addresses, which
 * that server lets pass unseen: signature, expiry, size limit, precondition, the opening of resumable uploads with
 * metadata in headers, headers of the answer asked for in the query, and CORS by the bucket's rules.
 *
 * @param target the server, with its question how far an upload has come mended by `startFaultProxy`
 */
export async function startSignedFront(target: string, bucket: string, key: KeyObject): Promise<SignedFront> {
  const lengths = new Map<string, [number, number]>();

  async function ask(
    method: string,
    path: string,
    headers: Record<string, string | undefined> = {},
    body?: Buffer,
  ): Promise<IncomingMessage> {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    const { hostname, port, host } = new URL(target);
    const outgoing = httpRequest({ hostname, port, method, path, headers: { ...given, host } });
    outgoing.end(body);
    return ((await once(outgoing, 'response')) as [IncomingMessage])[0];
  }

  async function open(url: URL, incoming: IncomingMessage, answer: ServerResponse): Promise<number> {
    const { headers } = incoming;
    const name = decodeURIComponent(url.pathname.slice(bucket.length + 2));
    if (headers['x-goog-resumable'] !== 'start') return 400;
    const there = await ask('GET', `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`);
    there.resume();
    if (headers['x-goog-if-generation-match'] === '0' && there.statusCode === 200) return 412;
    const metadata = Object.fromEntries(
      Object.entries(headers)
        .filter(([header]) => header.startsWith('x-goog-meta-'))
        .map(([header, value]) => [header.slice('x-goog-meta-'.length), String(value)]),
    );
    const body = Buffer.from(JSON.stringify({ name, contentType: headers['content-type'], metadata }));
    const path = `/upload/storage/v1/b/${bucket}/o?uploadType=resumable&name=${encodeURIComponent(name)}`;
    const opened = await ask('POST', path, { 'content-type': 'application/json', 'content-length': String(body.length) }, body); // prettier-ignore
    opened.resume();
    const session = new URL(opened.headers.location!);
    const [least, most] = (headers['x-goog-content-length-range'] ?? '0,9e15').toString().split(',').map(Number);
    lengths.set(session.searchParams.get('upload_id')!, [least!, most!]);
    answer.setHeader('location', `${front.url}${session.pathname}${session.search}`);
    return 201;
  }

  /** Lets a request through. @returns its status */
  async function pass(url: URL, incoming: IncomingMessage, answer: ServerResponse, body: Buffer): Promise<number> {
    const query = new URLSearchParams(url.searchParams);
    const signed = query.has('X-Goog-Signature');
    const path = signed ? url.pathname : `${url.pathname}${url.search}`;
    const response = await ask(incoming.method!, path, { ...(incoming.headers as Record<string, string>), 'content-length': String(body.length) }, body); // prettier-ignore
    for (const [header, value] of Object.entries(response.headers))
      if (value !== undefined && !header.startsWith('access-control-')) answer.setHeader(header, value);
    for (const header of ['content-disposition', 'content-type'])
      if (query.has(`response-${header}`)) answer.setHeader(header, query.get(`response-${header}`)!);
    if (answer.hasHeader('location'))
      answer.setHeader('location', String(answer.getHeader('location')).replace(new URL(target).origin, front.url));
    const content = await buffer(response);
    answer.writeHead(response.statusCode!).end(content);
    return response.statusCode!;
  }

  async function serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(incoming.url!, front.url);
    allowOrigin(incoming, answer);
    if (incoming.method === 'OPTIONS') return void answer.writeHead(200).end();
    const body = await buffer(incoming);
    const isSigned = url.pathname.startsWith(`/${bucket}/`);
    const session = lengths.get(url.searchParams.get('upload_id') ?? '');
    const note = (status: number) => front.seen.push(`${incoming.method} ${url.pathname} ${status}`);
    if (isSigned) {
      const status =
        refusalOf({ method: incoming.method!, url, headers: incoming.headers }, key) ??
        (incoming.method === 'POST' ? await open(url, incoming, answer) : undefined);
      if (status === undefined) return void note(await pass(url, incoming, answer, body));
      note(status);
      return void answer.writeHead(status).end(status >= 400 ? '<Error/>' : '');
    }
    const total = Number(/\/(\d+)$/.exec(incoming.headers['content-range'] ?? '')?.[1]);
    if (session && (total < session[0] || total > session[1])) {
      note(400);
      return void answer.writeHead(400).end('<Error/>');
    }
    const status = await pass(url, incoming, answer, body);
    if (session) note(status);
  }

  function allowOrigin(incoming: IncomingMessage, answer: ServerResponse): void {
    const { origin } = incoming.headers;
    const [rule] = bucketCors(front.origins);
    if (origin === undefined || !rule!.origin.includes(origin)) return;
    const allowed = rule!.responseHeader.map((header) => header.toLowerCase());
    answer.setHeader('access-control-allow-origin', origin);
    answer.setHeader('access-control-expose-headers', rule!.responseHeader.join(','));
    const asked = (incoming.headers['access-control-request-headers'] ?? '').split(',').map((header) => header.trim());
    if (incoming.method !== 'OPTIONS' || asked.some((header) => header && !allowed.includes(header.toLowerCase())))
      return;
    answer.setHeader('access-control-allow-methods', rule!.method.join(','));
    answer.setHeader('access-control-allow-headers', rule!.responseHeader.join(','));
  }

  const server = createServer((incoming, answer) => {
    serve(incoming, answer).catch(() => incoming.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const front: SignedFront = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    origins: [],
    seen: [],
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return front;
}
