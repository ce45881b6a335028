import { isIP } from 'node:net';

/** Why an address isn't one of the public internet. */
export type NotPublic =
  | 'this network'
  | 'private'
  | 'shared (carrier-grade NAT)'
  | 'loopback'
  | 'link-local'
  | 'metadata service'
  | 'documentation'
  | 'benchmarking'
  | 'multicast'
  | 'reserved';

/** Special ranges of IPv4: IANA's special-purpose registry (RFC 6890 and after). */
const IPV4: readonly [range: string, what: NotPublic][] = [
  // Azure's wire server: public by its number, answered by the host that the machine runs on.
  ['168.63.129.16/32', 'metadata service'],
  ['169.254.169.254/32', 'metadata service'],
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'shared (carrier-grade NAT)'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', 'reserved'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
];

/** The same for IPv6. What is in none of these and not in 2000::/3 isn't given out to anybody (RFC 4291). */
const IPV6: readonly [range: string, what: NotPublic][] = [
  ['::/128', 'this network'],
  ['::1/128', 'loopback'],
  ['64:ff9b:1::/48', 'private'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private'],
  ['ff00::/8', 'multicast'],
  // Teredo, ORCHID and benchmarking are in here.
  ['2001::/23', 'reserved'],
  ['2001:db8::/32', 'documentation'],
  // 6to4 carries any IPv4 address in it.
  ['2002::/16', 'reserved'],
  ['3fff::/20', 'documentation'],
];
const GLOBAL_UNICAST = '2000::/3';
/** Their last 32 bits are an IPv4 address: IPv4-mapped (RFC 4291), and NAT64's well-known prefix (RFC 6052). */
const CARRY_IPV4 = ['::ffff:0:0/96', '64:ff9b::/96'];

/**
 * Tells why an address must not be connected to, or undefined for one of the public internet.
 *
 * @param address in any spelling that `net.isIP` takes; what isn't one is 'reserved'
 */
export function notPublic(address: string): NotPublic | undefined {
  const bytes = parseAddress(address);
  if (bytes === undefined) return 'reserved';
  if (bytes.length === 4) return find(IPV4, bytes);
  if (CARRY_IPV4.some((range) => isIn(range, bytes))) return find(IPV4, bytes.subarray(12));
  return find(IPV6, bytes) ?? (isIn(GLOBAL_UNICAST, bytes) ? undefined : 'reserved');
}

/** Whether two spellings mean the same address; an IPv4-mapped one is the IPv4 one. */
export function sameAddress(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => {
    const bytes = parseAddress(text);
    return bytes?.length === 16 && isIn('::ffff:0:0/96', bytes) ? bytes.subarray(12) : bytes;
  });
  return left !== undefined && right !== undefined && Buffer.compare(left, right) === 0;
}

/** The 4 or 16 bytes of an address; undefined for what isn't one, or has a zone (`fe80::1%eth0`). */
export function parseAddress(text: string): Uint8Array | undefined {
  const version = isIP(text);
  if (version === 4) return Uint8Array.from(text.split('.').map(Number));
  if (version !== 6 || text.includes('%')) return undefined;
  const lastColon = text.lastIndexOf(':');
  const tail = text.slice(lastColon + 1);
  if (tail.includes('.')) {
    const [a, b, c, d] = tail.split('.').map(Number) as [number, number, number, number];
    const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16));
    return parseAddress(text.slice(0, lastColon + 1) + groups.join(':'));
  }
  const [head = [], rest] = text.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const groups =
    rest === undefined ? head : [...head, ...Array<string>(8 - head.length - rest.length).fill('0'), ...rest];
  return Uint8Array.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
}

function find(table: readonly [string, NotPublic][], bytes: Uint8Array): NotPublic | undefined {
  return table.find(([range]) => isIn(range, bytes))?.[1];
}

const ranges = new Map<string, { bytes: Uint8Array; bits: number }>();

function isIn(range: string, bytes: Uint8Array): boolean {
  let parsed = ranges.get(range);
  if (parsed === undefined) {
    const [address = '', bits] = range.split('/');
    parsed = { bytes: parseAddress(address)!, bits: Number(bits) };
    ranges.set(range, parsed);
  }
  const { bytes: prefix, bits } = parsed;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== prefix[i]) return false;
  return bits % 8 === 0 || (bytes[whole]! ^ prefix[whole]!) >> (8 - (bits % 8)) === 0;
}
