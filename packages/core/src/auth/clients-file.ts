import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { badInput, SoundstageError } from '../errors.js';
import type { Logger } from '../telemetry/log.js';
import { CLIENT_NAME, SCOPES, type Caller, type Quotas } from './caller.js';
import { watchFiles } from './watched-file.js';

const limit = z.number().positive();
const quotas = z.strictObject({
  callsPerS: limit.optional(),
  callsAtOnce: limit.optional(),
  jobsPerDay: limit.optional(),
  uploadBytesPerDay: limit.optional(),
});

const client = z.strictObject({
  name: z.string().regex(CLIENT_NAME, 'letters, digits and . _ @ : - only, at most 100'),
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** Several, so that a new one can be handed out before the old one goes. */
  keys: z
    .array(
      z.strictObject({
        sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits'),
        expires: z.iso.datetime({ offset: true }).optional(),
      }),
    )
    .default([]),
  /** Who of the OpenID Connect issuer this is: `sub`, or an e-mail address that the issuer has verified. */
  subjects: z.array(z.string().min(1)).default([]),
  quotas: quotas.optional(),
});

/** The file of clients. */
export const clientsFile = z.strictObject({
  clients: z.array(client),
  /** For whoever has none of their own. */
  quotas: quotas.optional(),
});

export type ClientsFile = z.infer<typeof clientsFile>;
type Client = ClientsFile['clients'][number];

/** Who may call, as the file says now. */
export interface Clients {
  /** @returns undefined for a key that nobody has or that has expired */
  byKey(key: string, nowMs?: number): Caller | undefined;
  /** A caller whose key was shown earlier. */
  byKeyId(name: string, keyId: string, nowMs?: number): Caller | undefined;
  bySubject(subjects: readonly string[]): Caller | undefined;
  /** The quotas of a name, whether or not the file has it. */
  quotasOf(name: string): Quotas;
}

/** The hash under which a key stands in the file. Keys are random, 256 bits: there is nothing to be slow against. */
export const hashOfKey = (key: string) => createHash('sha256').update(key).digest();
const ID_DIGITS = 16;

/** Reads a file of clients. @throws BAD_INPUT that lists every problem */
export function parseClientsFile(text: string, path: string): ClientsFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own words would quote the file.
    throw badInput(`${path} is not JSON.`, 'SOUNDSTAGE_API_KEYS_FILE');
  }
  const parsed = clientsFile.safeParse(json);
  const problems = parsed.success
    ? twice(parsed.data.clients.map(({ name }) => name)).map((name) => `clients: ${name} stands there twice`)
    : parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
  if (!parsed.success || problems.length > 0) {
    throw badInput(`${path} is no file of clients: ${problems.join('; ')}.`, 'SOUNDSTAGE_API_KEYS_FILE');
  }
  return parsed.data;
}

/** Opens the file of clients; it is read again when it changes. @throws BAD_INPUT when it can't be read at first */
export function openClients(path: string, log: Logger | undefined, lookEveryMs?: number): Clients {
  const current = open(path, log, lookEveryMs);
  const caller = (found: Client, defaults: Quotas, key?: Client['keys'][number]): Caller => ({
    name: found.name,
    scopes: new Set(found.scopes),
    quotas: found.quotas ?? defaults,
    ...(key ? { keyId: key.sha256.slice(0, ID_DIGITS) } : {}),
    ...(key?.expires ? { expiresAtMs: Date.parse(key.expires) } : {}),
  });
  return {
    byKey(shown, nowMs = Date.now()) {
      const { keys, defaults } = current();
      const hash = hashOfKey(shown);
      // All are compared, so that the time tells nothing about which.
      const [match] = keys.filter(({ bytes }) => timingSafeEqual(bytes, hash));
      return match && holds(match.key, nowMs) ? caller(match.client, defaults, match.key) : undefined;
    },
    byKeyId(name, keyId, nowMs = Date.now()) {
      const { keys, defaults } = current();
      const match = keys.find(({ client: its, key }) => its.name === name && key.sha256.startsWith(keyId));
      return match && keyId.length === ID_DIGITS && holds(match.key, nowMs)
        ? caller(match.client, defaults, match.key)
        : undefined;
    },
    bySubject(subjects) {
      const { clients, defaults } = current();
      const found = clients.find((each) => each.subjects.some((subject) => subjects.includes(subject)));
      return found && caller(found, defaults);
    },
    quotasOf(name) {
      const { clients, defaults } = current();
      return clients.find((each) => each.name === name)?.quotas ?? defaults;
    },
  };
}

function open(path: string, log: Logger | undefined, lookEveryMs: number | undefined) {
  const tell = (error: unknown) =>
    log?.error({ err: error, path }, 'the file of clients has changed and can’t be read: the old one holds');
  try {
    return watchFiles([path], ([text]) => index(parseClientsFile(text!.toString('utf8'), path)), tell, lookEveryMs);
  } catch (error) {
    if (error instanceof SoundstageError) throw error;
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw badInput(`The file of clients ${path} can't be read (${code}).`, 'SOUNDSTAGE_API_KEYS_FILE', error);
  }
}

const holds = ({ expires }: Client['keys'][number], nowMs: number) => !expires || nowMs < Date.parse(expires);

function index({ clients, quotas: defaults = {} }: ClientsFile) {
  const keys = clients.flatMap((each) =>
    each.keys.map((key) => ({ client: each, key, bytes: Buffer.from(key.sha256, 'hex') })),
  );
  return { clients, keys, defaults };
}

const twice = (names: readonly string[]) => [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
