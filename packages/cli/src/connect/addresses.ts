import { badInput } from '@soundstage/core';
import { SERVICES, type ServiceName } from './services.js';

/** Where services answer: all at one address, or each at its own. */
export type Addresses = string | ReadonlyMap<ServiceName, string>;

const ADDRESS = /^(\[[0-9a-fA-F:]+\]|[^\s:/=,]+):\d{1,5}$/;

/** What `--server` says, or SOUNDSTAGE_SERVER where nothing is said; undefined: services start in this process. */
export function serverOf(
  { server }: { server?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  return server ?? (env.SOUNDSTAGE_SERVER || undefined);
}

/**
 * Reads `host:port`, or `collector=host:port,inference=host:port`.
 *
 * @throws BAD_INPUT that names what is wrong in it
 */
export function readAddresses(text: string): Addresses {
  if (ADDRESS.test(text)) return text;
  const wrong = (what: string) =>
    badInput(
      `--server is ${JSON.stringify(text)}${what}; give host:port, for example 127.0.0.1:7400, or name=host:port for each service, with commas between.`,
      'server',
    );
  const addresses = new Map<ServiceName, string>();
  for (const part of text.split(',')) {
    const [, name = '', address = ''] = /^([^=]*)=(.*)$/.exec(part.trim()) ?? [];
    if (!ADDRESS.test(address)) throw wrong('');
    if (!Object.hasOwn(SERVICES, name))
      throw wrong(`, and there is no service ${JSON.stringify(name)} but ${Object.keys(SERVICES).join(', ')}`);
    if (addresses.has(name as ServiceName)) throw wrong(`, with ${name} in it twice`);
    addresses.set(name as ServiceName, address);
  }
  return addresses;
}

/**
 * The addresses of the services that a command needs.
 *
 * @throws BAD_INPUT where one of them has none
 */
export function addressesFor(needed: readonly ServiceName[], addresses: Addresses): ReadonlyMap<ServiceName, string> {
  if (typeof addresses === 'string') return new Map(needed.map((name) => [name, addresses]));
  const missing = needed.filter((name) => !addresses.has(name));
  if (missing.length > 0)
    throw badInput(`--server says nothing of ${missing.join(', ')}: add ${missing[0]}=host:port.`, 'server');
  return new Map(needed.map((name) => [name, addresses.get(name)!]));
}
