import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { SoundstageError, type Caller } from '@soundstage/core';
import { escapeHtml } from './access/log-in-page.js';

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
      .send(
        withAccount(html, request.caller)
          .replaceAll('__NONCE__', request.cspNonce)
          .replace('__STORE_ORIGIN__', request.storeOrigin),
      ),
  );
}

/** Says at the page's end who is logged in, with the way out. */
function withAccount(html: string, caller: Caller | undefined): string {
  if (!caller) return html;
  const style =
    '.account { display: flex; gap: 1rem; justify-content: center; align-items: center; padding-bottom: 2rem }';
  const account = `<style nonce="__NONCE__">${style}</style>
    <form class="account" method="post" action="/logout">
      <span>Logged in as ${escapeHtml(caller.name)}</span>
      <button class="button">Log out</button>
    </form>`;
  return html.replace('</body>', () => `${account}\n  </body>`);
}
