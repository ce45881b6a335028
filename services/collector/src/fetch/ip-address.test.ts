import { BlockList, isIP } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { notPublic, parseAddress, sameAddress } from './ip-address.js';

/** The same question asked of Node's own list, written down anew from the registries: a second opinion. */
const blocked = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  blocked.addSubnet(address, bits, 'ipv4');
}
const edges = [...'10.0.0.0 100.64.0.0 127.0.0.0 169.254.0.0 172.16.0.0 192.168.0.0 198.18.0.0 224.0.0.0'.split(' ')];
const toNumber = (address: string) => parseAddress(address)!.reduce((sum, byte) => sum * 256 + byte, 0);
const toIpv4 = (n: number) => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.');
/** Any address, and often one at the edge of a special range. */
const ipv4 = fc.oneof(
  fc.nat(0xffffffff).map(toIpv4),
  fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -2, max: 2 })).map(([edge, by]) => toIpv4(toNumber(edge) + by)),
);
const hexPair = (a: number, b: number) => ((a << 8) | b).toString(16);
const asHex = (address: string) => {
  const [a, b, c, d] = [...parseAddress(address)!] as [number, number, number, number];
  return `${hexPair(a, b)}:${hexPair(c, d)}`;
};

describe('the classifier of addresses', () => {
  test('agrees with a list made of the registries, for any IPv4 address', () => {
    fc.assert(
      fc.property(ipv4, (address) => (notPublic(address) !== undefined) === blocked.check(address, 'ipv4')),
      { numRuns: 5000 },
    );
  });

  test('judges an IPv4 address in IPv6 clothes as the one that it is, in every spelling', () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        const plain = notPublic(address);
        for (const dressed of [
          `::ffff:${address}`,
          `::FFFF:${asHex(address)}`,
          `0:0:0:0:0:ffff:${address}`,
          `64:ff9b::${address}`,
          `64:ff9b::${asHex(address)}`,
        ]) {
          expect([dressed, notPublic(dressed)]).toEqual([dressed, plain]);
        }
        // Ways to carry an IPv4 address that nobody needs any more are refused, whatever is in them.
        for (const dressed of [`::${address}`, `2002:${asHex(address)}::1`, `64:ff9b:1::${address}`]) {
          expect(notPublic(dressed)).toBeDefined();
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('lets nothing through in IPv6 but global unicast', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        // Not by chance one of the two forms above.
        const groups = Array.from({ length: 8 }, (_, n) => hexPair(bytes[2 * n]!, bytes[2 * n + 1]!));
        if (groups[0] === '0' || groups[0] === '64') return;
        const address = groups.join(':');
        const global = bytes[0]! >> 5 === 1;
        if (notPublic(address) === undefined) expect(global).toBe(true);
        expect([...parseAddress(address)!]).toEqual([...bytes]);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ['::', 'this network'],
    ['::1', 'loopback'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['fc00::1', 'private'],
    ['fd00:ec2::254', 'private'],
    ['fec0::1', 'private'],
    ['ff02::1', 'multicast'],
    ['2001::1', 'reserved'],
    ['2001:db8::1', 'documentation'],
    ['3fff:0fff::1', 'documentation'],
    ['4000::1', 'reserved'],
    ['169.254.169.254', 'metadata service'],
    ['::ffff:169.254.169.254', 'metadata service'],
    ['100.100.100.200', 'shared (carrier-grade NAT)'],
    ['168.63.129.16', 'metadata service'],
    ['255.255.255.255', 'reserved'],
    ['fe80::1%eth0', 'reserved'],
    ['no address', 'reserved'],
    ['', 'reserved'],
  ])('calls %s %s', (address, what) => {
    expect(notPublic(address)).toBe(what);
  });

  test.each(['8.8.8.8', '172.15.255.255', '172.32.0.0', '2606:4700::1111', '2a00:1450:4001::1', '::ffff:8.8.8.8'])(
    'lets %s through',
    (address) => {
      expect(isIP(address)).not.toBe(0);
      expect(notPublic(address)).toBeUndefined();
    },
  );

  test('knows one address by all its spellings', () => {
    expect(sameAddress('::ffff:127.0.0.1', '127.0.0.1')).toBe(true);
    expect(sameAddress('2001:DB8::1', '2001:db8:0:0:0:0:0:1')).toBe(true);
    expect(sameAddress('127.0.0.1', '127.0.0.2')).toBe(false);
    expect(sameAddress('nothing', 'nothing')).toBe(false);
  });
});
