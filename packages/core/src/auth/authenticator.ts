import { randomBytes, timingSafeEqual } from 'node:crypto';
import { SoundstageError } from '../errors.js';
import type { Logger } from '../telemetry/log.js';
import { CLIENT_NAME, demandScope, readOnBehalfOf, SCOPES, type Caller, type Scope } from './caller.js';
import { hashOfKey, openClients } from './clients-file.js';
import type { AuthSettings } from './config.js';
import { createOidcVerifier } from './oidc.js';
import { createBuckets, tooMuch } from './rates.js';

/** Longer than any token that an issuer makes. */
const MOST_CHARACTERS = 16_384;
/** Wrong tokens from one address: so many a second, and so many at once. */
const FAILURES_PER_S = 0.2;
const FAILURES_AT_ONCE = 10;

/** Tells who calls. */
export interface Authenticator {
  /**
   * @param authorization the header, `Bearer …`
   * @param from address of the caller, for whom wrong tokens are counted; a right one is never held up by them
   * @throws UNAUTHENTICATED; QUOTA_EXCEEDED after too many wrong ones; UNAVAILABLE where the issuer can't be asked
   */
  authenticate(authorization: string | undefined, from: string): Promise<Caller>;
  /** Who is meant by somebody who calls for another. @throws PERMISSION_DENIED for who hasn't the scope `delegate` */
  standIn(caller: Caller, onBehalfOf: string): Caller;
  /** A caller who showed a key or a token earlier; a key must still hold. @throws UNAUTHENTICATED */
  recall(earlier: Pick<Caller, 'name' | 'scopes' | 'keyId'>): Caller;
  /** A token that holds in this process alone, for what runs beside the services in it. */
  innerToken: string;
}

/** @throws BAD_INPUT when the file of clients can't be read */
export function createAuthenticator(settings: AuthSettings, log: Logger | undefined): Authenticator {
  const clients = settings.keysFile === undefined ? undefined : openClients(settings.keysFile, log);
  const oidc = settings.oidc && createOidcVerifier(settings.oidc);
  const failures = createBuckets();
  const innerToken = randomBytes(32).toString('base64url');
  const innerHash = hashOfKey(innerToken);
  const inner: Caller = { name: 'soundstage', scopes: new Set(SCOPES), quotas: unlimited };

  async function whose(token: string): Promise<Caller> {
    if (timingSafeEqual(hashOfKey(token), innerHash)) return inner;
    const known = clients?.byKey(token);
    if (known) return known;
    if (!oidc || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) throw unknown('The key is not known here, or has expired');
    const { sub, email, email_verified: verified, scope, scp, exp } = await oidc.verify(token);
    const subjects = [sub, ...(typeof email === 'string' && verified === true ? [email] : [])];
    const expiresAtMs = exp * 1000;
    const named = clients?.bySubject(subjects);
    if (named) return { ...named, expiresAtMs };
    const name = `oidc:${sub}`;
    if (!CLIENT_NAME.test(name)) throw unknown('The token’s subject can’t be a name here');
    return { name, scopes: statedScopes(scope ?? scp), quotas: clients?.quotasOf(name) ?? {}, expiresAtMs };
  }

  return {
    innerToken,

    async authenticate(authorization, from) {
      try {
        const [, token] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
        if (!token || token.length > MOST_CHARACTERS) {
          throw unknown('This server wants to know who calls: send authorization: Bearer with a key or token');
        }
        return await whose(token);
      } catch (error) {
        if (SoundstageError.from(error).reason !== 'UNAUTHENTICATED') throw error;
        const waitMs = failures.take(from, FAILURES_PER_S, FAILURES_AT_ONCE);
        if (waitMs === 0) throw error;
        throw tooMuch('Too many wrong keys or tokens came from this address: wait before the next try', waitMs);
      }
    },

    standIn(caller, onBehalfOf) {
      demandScope(caller, 'delegate', 'Calling for somebody else');
      const stated = readOnBehalfOf(onBehalfOf);
      if (!stated) throw new SoundstageError('BAD_INPUT', 'soundstage-on-behalf-of must be a name and scopes.');
      // No more than the one who passes it on may do.
      const scopes = new Set([...stated.scopes].filter((scope) => mayPassOn(caller, scope)));
      return { name: stated.name, scopes, quotas: clients?.quotasOf(stated.name) ?? {}, via: caller.name };
    },

    recall({ name, scopes, keyId }) {
      if (keyId === undefined) return { name, scopes, quotas: clients?.quotasOf(name) ?? {} };
      const caller = clients?.byKeyId(name, keyId);
      if (!caller) throw unknown('The key that you logged in with holds no more');
      return caller;
    },
  };
}

const unlimited = { callsPerS: 1e6, callsAtOnce: 1e6 };
const RANK: readonly Scope[] = ['read', 'write', 'admin'];

function mayPassOn({ scopes }: Caller, scope: Scope): boolean {
  return RANK.slice(RANK.indexOf(scope)).some((each) => scopes.has(each));
}

/** `soundstage:read soundstage:write`, as text or as a list. Other scopes are for others. */
function statedScopes(stated: unknown): Set<Scope> {
  const words: unknown[] = typeof stated === 'string' ? stated.split(' ') : Array.isArray(stated) ? stated : [];
  return new Set(SCOPES.filter((scope) => words.includes(`soundstage:${scope}`)));
}

const unknown = (sentence: string) => new SoundstageError('UNAUTHENTICATED', `${sentence}.`);
