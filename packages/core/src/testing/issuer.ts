import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';

export interface TokenOptions {
  /** Default: the issuer itself. */
  issuer?: string;
  audience?: string;
  /** Seconds from now. Default 300. */
  expiresInS?: number;
  /** Default: that of the newest key; null: none is named. */
  kid?: string | null;
}

/** An OpenID Connect issuer on a loopback address: discovery, keys, and tokens that it signs. */
export interface TestIssuer {
  url: string;
  token(claims: JWTPayload, options?: TokenOptions): Promise<string>;
  /** Signs with a new key from now on; `drop` takes the old ones away. */
  rotate(drop: boolean): Promise<void>;
  /** How often the keys were fetched. */
  fetches(): number;
  /** What discovery says instead. */
  pretend(answer: object | undefined): void;
  close(): void;
}

export async function startTestIssuer(): Promise<TestIssuer> {
  let keys: { kid: string; privateKey: CryptoKey; jwk: object }[] = [];
  let made = 0;
  let fetched = 0;
  let pretended: object | undefined;
  const server = createServer((request, response) => {
    const isKeys = request.url === '/keys';
    if (isKeys) fetched++;
    const answer = isKeys
      ? { keys: keys.map(({ jwk }) => jwk) }
      : (pretended ?? { issuer: url, jwks_uri: `${url}/keys` });
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: TestIssuer = {
    url,
    fetches: () => fetched,
    pretend: (answer) => void (pretended = answer),
    async rotate(drop) {
      const { privateKey, publicKey } = await generateKeyPair('ES256');
      const kid = `key-${++made}`;
      const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
      keys = [...(drop ? [] : keys), { kid, privateKey, jwk }];
    },
    async token(claims, { issuer: stated = url, audience = 'soundstage', expiresInS = 300, kid } = {}) {
      const { kid: newest, privateKey } = keys.at(-1)!;
      const nowS = Math.floor(Date.now() / 1000);
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', ...(kid === null ? {} : { kid: kid ?? newest }) })
        .setIssuer(stated)
        .setAudience(audience)
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + expiresInS)
        .sign(privateKey);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  await issuer.rotate(true);
  return issuer;
}
