import { createHmac, timingSafeEqual } from 'node:crypto';

/*
 * Addresses of results that work for anybody who has them, without a log-in, until their time is over:
 *
 *     /v1/jobs/<id>/result?expires=<seconds since 1970>&signature=<HMAC-SHA-256, base64url>
 *
 * The signature covers the path and the time. Whoever has the secret of the server that made one can make more, so
 * several servers behind one name share theirs by SOUNDSTAGE_RESULT_SECRET.
 */

export const DEFAULT_RESULT_S = 3600;
export const LONGEST_RESULT_S = 7 * 86_400;

/** What may be handed out: finished videos, neither what was uploaded nor what a job was asked. */
const RESULT = /^\/v1\/jobs\/[a-z0-9-]{1,64}\/(result|candidates\/[1-8]\/video)$/;

/** What an address says about itself. Only `valid` lets anybody in; `unsigned` is as everybody else's. */
export type SignedResult = { state: 'unsigned' | 'forged' } | { state: 'valid' | 'expired'; expiresAt: Date };

/** Signs the path of a result. @returns path and query */
export function signResult(secret: string, path: string, expiresAt: Date): string {
  const expires = Math.floor(expiresAt.getTime() / 1000);
  return `${path}?expires=${expires}&signature=${signatureOf(secret, path, expires).toString('base64url')}`;
}

/** Looks at a request's address: path and query, as they came. The one place that decides who is let in by signature. */
export function checkSignedResult(secret: string, method: string, address: string, now = Date.now()): SignedResult {
  const [path = '', query = ''] = address.split('?', 2);
  const fields = new URLSearchParams(query);
  const stated = fields.getAll('signature');
  if (stated.length === 0) return { state: 'unsigned' };
  const expiresText = fields.getAll('expires').join(',');
  if (!RESULT.test(path) || !/^(GET|HEAD)$/.test(method) || stated.length > 1 || !/^\d{1,12}$/.test(expiresText))
    return { state: 'forged' };
  const expires = Number(expiresText);
  const given = Buffer.from(stated[0]!, 'base64url');
  const right = signatureOf(secret, path, expires);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return { state: 'forged' };
  const expiresAt = new Date(expires * 1000);
  return { state: now < expiresAt.getTime() ? 'valid' : 'expired', expiresAt };
}

function signatureOf(secret: string, path: string, expires: number): Buffer {
  return createHmac('sha256', secret).update(`soundstage result\n${path}\n${expires}`).digest();
}
