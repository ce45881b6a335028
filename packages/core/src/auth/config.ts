import { z } from 'zod';
import { SoundstageError, type Violation } from '../errors.js';

export type AuthMode = 'keys' | 'oidc';

const modes = z
  .string()
  .transform((text) => text.split(',').map((mode) => mode.trim()))
  .refine(
    (given) => (given.length === 1 && given[0] === 'off') || given.every((mode) => mode === 'keys' || mode === 'oidc'),
    'must be off, keys, oidc, or keys,oidc',
  )
  .transform((given) => given.filter((mode): mode is AuthMode => mode !== 'off'));

/** Who may call a server, and its certificate. The same for gRPC and HTTP. */
export const authConfig = {
  /** How callers show who they are. Left out: off on a loopback address; on any other it must be said. */
  SOUNDSTAGE_AUTH: modes.optional(),
  /** JSON of clients: names, hashes of keys, scopes, quotas. */
  SOUNDSTAGE_API_KEYS_FILE: z.string().optional(),
  /** Who signs the tokens that are taken (OpenID Connect). */
  SOUNDSTAGE_OIDC_ISSUER: z.url().optional(),
  /** What a token must have been made for. */
  SOUNDSTAGE_OIDC_AUDIENCE: z.string().optional(),
  /** PEM files; both or none. */
  SOUNDSTAGE_TLS_CERT: z.string().optional(),
  SOUNDSTAGE_TLS_KEY: z.string().optional(),
};

export type AuthConfig = z.infer<z.ZodObject<typeof authConfig>>;

/** What a server asks of its callers. */
export interface AuthSettings {
  keysFile: string | undefined;
  oidc: { issuer: string; audience: string } | undefined;
}

export interface TlsSettings {
  certFile: string;
  keyFile: string;
}

export interface ServerSecurity {
  /** Undefined: whoever reaches the server may do everything. */
  auth: AuthSettings | undefined;
  /** Undefined: in clear. */
  tls: TlsSettings | undefined;
}

/** Whether nobody but this machine can reach an address (a host, `host:port` or `unix:…`). */
export function isLoopback(address: string): boolean {
  if (address.startsWith('unix:')) return true;
  const host = address
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^([^:]*):\d+$/, '$1')
    .toLowerCase();
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * What the settings mean for a server that listens on `address`.
 *
 * @throws BAD_INPUT that lists every problem: an address that others reach without a word about SOUNDSTAGE_AUTH above all
 */
export function readServerSecurity(config: AuthConfig, address: string): ServerSecurity {
  const violations: Violation[] = [];
  const wrong = (field: keyof AuthConfig, description: string) => void violations.push({ field, description });
  const { SOUNDSTAGE_AUTH: modes, SOUNDSTAGE_TLS_CERT: certFile, SOUNDSTAGE_TLS_KEY: keyFile } = config;
  if (modes === undefined && !isLoopback(address)) {
    wrong(
      'SOUNDSTAGE_AUTH',
      `others can reach ${address}: set it to keys (with SOUNDSTAGE_API_KEYS_FILE, see soundstage keys new) or oidc, or to off if everybody who gets there may do everything`,
    );
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    wrong(certFile === undefined ? 'SOUNDSTAGE_TLS_CERT' : 'SOUNDSTAGE_TLS_KEY', 'certificate and key go together');
  }
  const { SOUNDSTAGE_OIDC_ISSUER: issuer, SOUNDSTAGE_OIDC_AUDIENCE: audience } = config;
  if (modes?.includes('keys') && !config.SOUNDSTAGE_API_KEYS_FILE) {
    wrong('SOUNDSTAGE_API_KEYS_FILE', 'is needed with SOUNDSTAGE_AUTH=keys; soundstage keys new makes its lines');
  }
  if (modes?.includes('oidc')) {
    if (!issuer) wrong('SOUNDSTAGE_OIDC_ISSUER', 'is needed with SOUNDSTAGE_AUTH=oidc');
    else if (!isSafeUrl(issuer)) wrong('SOUNDSTAGE_OIDC_ISSUER', 'must be an https address');
    if (!audience) wrong('SOUNDSTAGE_OIDC_AUDIENCE', 'is needed with SOUNDSTAGE_AUTH=oidc');
  }
  if (violations.length > 0) {
    const all = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
    throw new SoundstageError('BAD_INPUT', `The configuration is wrong: ${all}.`, { violations });
  }
  return {
    auth:
      modes && modes.length > 0
        ? {
            keysFile: config.SOUNDSTAGE_API_KEYS_FILE,
            oidc: modes.includes('oidc') ? { issuer: issuer!, audience: audience! } : undefined,
          }
        : undefined,
    tls: certFile && keyFile ? { certFile, keyFile } : undefined,
  };
}

/** What is fetched to check signatures with must come from where it claims to, so over https, or from this machine. */
export function isSafeUrl(text: string): boolean {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
