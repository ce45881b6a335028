import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { SCOPES, SoundstageError, type Caller, type Scope } from '@soundstage/core';

const LIFETIME_MS = 12 * 3600 * 1000;

/** Who logged in, and with which key; never the key itself. */
type Earlier = Pick<Caller, 'name' | 'scopes' | 'keyId'>;

/** Cookies that stand for a log-in: signed, and over after twelve hours or with the key or token that was shown. */
export interface Sessions {
  /** `Set-Cookie` of a log-in. */
  open(caller: Caller, secure: boolean, nowMs?: number): string;
  /** `Set-Cookie` that ends it. */
  close(secure: boolean): string;
  /** Who sent a `Cookie` header; undefined where it holds no session. @throws UNAUTHENTICATED for one that is over */
  read(header: string | undefined, secure: boolean, nowMs?: number): Earlier | undefined;
}

/**
 * @param secret what all gateways behind one name have in common: their own token. Without one a secret is drawn, and
 *   sessions end with the process
 */
export function createSessions(secret: (() => string) | undefined): Sessions {
  const drawn = randomBytes(32).toString('base64url');
  const sign = (text: string) => {
    const key = hkdfSync('sha256', secret?.() ?? drawn, '', 'soundstage session cookie', 32);
    return createHmac('sha256', Buffer.from(key)).update(text).digest();
  };
  // The prefix makes browsers refuse it from other hosts of the same site, and over plain HTTP.
  const nameOf = (secure: boolean) => (secure ? '__Host-soundstage' : 'soundstage');
  const cookie = (value: string, maxAgeS: number, secure: boolean) =>
    `${nameOf(secure)}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  return {
    open({ name, scopes, keyId, expiresAtMs = Infinity }, secure, nowMs = Date.now()) {
      const endMs = Math.min(nowMs + LIFETIME_MS, expiresAtMs);
      const said = Buffer.from(JSON.stringify([name, [...scopes], keyId ?? '', endMs])).toString('base64url');
      const value = `${said}.${sign(said).toString('base64url')}`;
      return cookie(value, Math.max(0, Math.floor((endMs - nowMs) / 1000)), secure);
    },
    close: (secure) => cookie('', 0, secure),
    read(header, secure, nowMs = Date.now()) {
      const prefix = `${nameOf(secure)}=`;
      const value = header
        ?.split(';')
        .map((part) => part.trim())
        .find((part) => part.startsWith(prefix))
        ?.slice(prefix.length);
      if (!value) return undefined;
      const [said = '', signature = ''] = value.split('.');
      const right = sign(said);
      const given = Buffer.from(signature, 'base64url');
      if (given.length !== right.length || !timingSafeEqual(given, right)) throw over();
      const [name, scopes, keyId, endMs] = JSON.parse(Buffer.from(said, 'base64url').toString()) as [
        string,
        Scope[],
        string,
        number,
      ];
      if (nowMs >= endMs) throw over();
      return { name, scopes: new Set(SCOPES.filter((scope) => scopes.includes(scope))), ...(keyId ? { keyId } : {}) };
    },
  };
}

const over = () => new SoundstageError('UNAUTHENTICATED', 'Your session is over: log in again.');
