import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { badInput, hashOfKey, parseClientsFile, type ClientsFile, type Scope } from '@soundstage/core';
import { writeWhole } from '../write-whole.js';

export interface NewKey {
  /** What is sent; it is kept nowhere. */
  key: string;
  /** What servers know of it. */
  client: { name: string; scopes: Scope[]; keys: { sha256: string; expires?: string }[] };
}

/** Makes a key of 256 random bits, which begins such that scanners for lost secrets know it. */
export function makeKey(about: { name: string; scopes: Scope[]; expires?: Date | undefined }): NewKey {
  const key = `soundstage_${randomBytes(32).toString('base64url')}`;
  const entry = {
    sha256: hashOfKey(key).toString('hex'),
    ...(about.expires ? { expires: about.expires.toISOString() } : {}),
  };
  return { key, client: { name: about.name, scopes: about.scopes, keys: [entry] } };
}

/**
 * Puts a key into a file of clients, which is made if it isn't there; servers see it before or after, never half.
 *
 * @returns what has changed. @throws BAD_INPUT for a file that is something else
 */
export async function addToFile(path: string, { client }: NewKey): Promise<string> {
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw badInput(`${path} can't be read (${error.code}).`, 'file', error);
  });
  const file: ClientsFile = before === undefined ? { clients: [] } : parseClientsFile(before, path);
  const known = file.clients.find(({ name }) => name === client.name);
  if (known) known.keys.push(...client.keys);
  else file.clients.push({ ...client, subjects: [] });
  await writeWhole(path, `${JSON.stringify(file, undefined, 2)}\n`);
  return known
    ? `${client.name} has ${known.keys.length} keys now; scopes stay ${known.scopes.join(', ')}`
    : `${client.name} is new, with ${client.scopes.join(', ')}`;
}
