import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { SoundstageError } from '@soundstage/core';

const PAGE = fileURLToPath(new URL('../dist/page/', import.meta.url));

/** Serves the built page: index.html with this request's nonce, everything else by its hashed name, for ever. */
export async function addPage(app: FastifyInstance, limits: { uploadBytes: number }): Promise<void> {
  if (!existsSync(`${PAGE}index.html`)) {
    throw new SoundstageError(
      'UNAVAILABLE',
      'The page isn’t built: run npm run build --workspace @soundstage/gateway.',
    );
  }
  const html = readFileSync(`${PAGE}index.html`, 'utf8').replace('__UPLOAD_LIMIT__', String(limits.uploadBytes));
  await app.register(fastifyStatic, {
    root: `${PAGE}assets`,
    prefix: '/assets/',
    index: false,
    immutable: true,
    maxAge: '365d',
    decorateReply: false,
  });
  app.get('/', { schema: { hide: true } }, (request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(html.replaceAll('__NONCE__', request.cspNonce)),
  );
}
