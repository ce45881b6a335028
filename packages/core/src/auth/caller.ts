import { SoundstageError } from '../errors.js';

/**
 * What a caller may do; each of the first three includes those before it. `delegate` is for the gateway: to call for
 * somebody else, whose name it states.
 */
export const SCOPES = ['read', 'write', 'admin', 'delegate'] as const;
export type Scope = (typeof SCOPES)[number];

/** How much a caller may have. What is left out has no limit, or the default that is named. */
export interface Quotas {
  /** Calls and requests that may begin in a second, of this process; twice as many at once. Default 50. */
  callsPerS?: number | undefined;
  /** Calls and requests in flight at a time, of this process. Default 100. */
  callsAtOnce?: number | undefined;
  /** Jobs in a day (UTC), of all processes on one store. */
  jobsPerDay?: number | undefined;
  /** Bytes of uploads in a day (UTC), of all processes on one store. */
  uploadBytesPerDay?: number | undefined;
}

/** Who calls. */
export interface Caller {
  /** In the audit log, and what quotas are counted under. */
  name: string;
  scopes: ReadonlySet<Scope>;
  quotas: Quotas;
  /** Who passed the call on, where somebody did. */
  via?: string;
  /** Of the key that was shown, where it was a key: the first digits of its hash. */
  keyId?: string;
  /** When what was shown ends to hold, ms since 1970. */
  expiresAtMs?: number;
}

const INCLUDED_IN: Readonly<Record<Scope, readonly Scope[]>> = {
  read: ['read', 'write', 'admin'],
  write: ['write', 'admin'],
  admin: ['admin'],
  delegate: ['delegate'],
};

export function mayDo({ scopes }: Pick<Caller, 'scopes'>, scope: Scope): boolean {
  return INCLUDED_IN[scope].some((each) => scopes.has(each));
}

/** @throws PERMISSION_DENIED */
export function demandScope(caller: Caller, scope: Scope, what: string): void {
  if (mayDo(caller, scope)) return;
  const held = [...caller.scopes].join(', ') || 'none';
  throw new SoundstageError(
    'PERMISSION_DENIED',
    `${what} needs the scope ${scope}; ${caller.name} has ${held}: ask who runs this server.`,
  );
}

/** Names of clients: they become keys of records and fields of log lines. */
export const CLIENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._@:-]{0,99}$/;

/** What a gateway says about the person that it calls for, `alice;read,write`. */
export const ON_BEHALF_OF = 'soundstage-on-behalf-of';

export function writeOnBehalfOf({ name, scopes }: Pick<Caller, 'name' | 'scopes'>): string {
  return `${name};${[...scopes].filter((scope) => scope !== 'delegate').join(',')}`;
}

export function readOnBehalfOf(text: string): Pick<Caller, 'name' | 'scopes'> | undefined {
  const [name = '', scopes = '', ...more] = text.split(';');
  if (more.length > 0 || !CLIENT_NAME.test(name)) return undefined;
  return { name, scopes: new Set(SCOPES.filter((scope) => scope !== 'delegate' && scopes.split(',').includes(scope))) };
}
