import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import { SoundstageError } from '../errors.js';
import { isSafeUrl } from './config.js';

/** Signatures with a key pair only: with `none` or a shared secret a token could be made by whoever reads this. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
const CLOCK_TOLERANCE_S = 30;
const FETCH_LIMIT_MS = 5000;
const KEYS_FRESH_MS = 10 * 60_000;
/** A token with an unknown key makes the keys be fetched again, though not more often than this. */
const COOLDOWN_MS = 5000;

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });

export interface OidcSettings {
  issuer: string;
  audience: string;
  /** Default 5 s. */
  cooldownMs?: number;
}

/** Checks tokens of an OpenID Connect issuer. Nothing is fetched before the first token comes. */
export interface OidcVerifier {
  /** @throws UNAUTHENTICATED for a token that doesn't hold; UNAVAILABLE where the issuer can't be asked */
  verify(token: string): Promise<JWTPayload & { sub: string; exp: number }>;
}

export function createOidcVerifier({ issuer, audience, cooldownMs = COOLDOWN_MS }: OidcSettings): OidcVerifier {
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined;
  let failedAtMs = -Infinity;

  async function discover() {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_LIMIT_MS) });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const found = discovery.parse(await response.json());
    if (found.issuer !== issuer) throw new Error(`${url} tells another issuer`);
    if (!isSafeUrl(found.jwks_uri)) throw new Error(`${url} names keys that don’t come over https`);
    return createRemoteJWKSet(new URL(found.jwks_uri), {
      timeoutDuration: FETCH_LIMIT_MS,
      cacheMaxAge: KEYS_FRESH_MS,
      cooldownDuration: cooldownMs,
    });
  }

  function keySet() {
    if (!keys && Date.now() - failedAtMs < cooldownMs) throw cantAsk(issuer);
    keys ??= discover().catch((error: unknown) => {
      keys = undefined;
      failedAtMs = Date.now();
      throw cantAsk(issuer, error);
    });
    return keys;
  }

  return {
    async verify(token) {
      const jwks = await keySet();
      try {
        const { payload } = await jwtVerify(token, jwks, {
          issuer,
          audience,
          algorithms: ALGORITHMS,
          clockTolerance: CLOCK_TOLERANCE_S,
          requiredClaims: ['sub', 'exp'],
        });
        return payload as JWTPayload & { sub: string; exp: number };
      } catch (error) {
        throw refusal(error, issuer);
      }
    },
  };
}

/** What a refused token lacks, without a word of what stands in it. */
function refusal(error: unknown, issuer: string): SoundstageError {
  const because = (why: string) => new SoundstageError('UNAUTHENTICATED', `The token ${why}.`);
  if (error instanceof errors.JWTExpired) return because('has expired: get a new one');
  if (error instanceof errors.JWTClaimValidationFailed) return because(`has a claim that isn't right: ${error.claim}`);
  if (error instanceof errors.JOSEAlgNotAllowed) return because('is signed in a way that is not taken');
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return because('names no key of the issuer');
  }
  const network = error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError);
  const answered = error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC'; // not 200, or no JSON
  return network || answered ? cantAsk(issuer, error) : because('does not hold');
}

function cantAsk(issuer: string, cause?: unknown): SoundstageError {
  return new SoundstageError('UNAVAILABLE', `The issuer of tokens, ${issuer}, can't be asked now: try again soon.`, {
    cause,
    retryAfterMs: 5000,
  });
}
