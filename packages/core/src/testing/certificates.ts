import { execFile } from 'node:child_process';
import { copyFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An authority and certificates that it signs for this machine, with openssl. */
export interface TestAuthority {
  /** PEM of the authority itself. */
  caFile: string;
  certFile: string;
  keyFile: string;
  /** Puts another certificate and key into the place of those, as a renewal does. @returns its serial number */
  renew(): Promise<string>;
}

/** Makes an authority and a certificate for `localhost` and 127.0.0.1 in a folder. */
export async function createTestAuthority(folder: string): Promise<TestAuthority> {
  const at = (name: string) => join(folder, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', [
    ...['req', '-x509', ...curve, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-days', '2', '-subj', '/CN=Test CA'],
  ]);
  await writeFile(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  async function renew() {
    const [key, request, cert] = [at('new.key'), at('new.csr'), at('new.crt')];
    await run('openssl', ['req', ...curve, '-keyout', key, '-out', request, '-subj', '/CN=localhost']);
    await run('openssl', [
      ...['x509', '-req', '-in', request, '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial'],
      ...['-days', '1', '-extfile', at('names'), '-out', cert],
    ]);
    const { stdout } = await run('openssl', ['x509', '-in', cert, '-noout', '-serial']);
    // One after the other, as it may happen: between the two they don't fit.
    await copyFile(key, at('tls.key.next'));
    await rename(at('tls.key.next'), at('tls.key'));
    await rename(cert, at('tls.crt'));
    return stdout.trim().replace('serial=', '');
  }
  await renew();
  return { caFile: at('ca.crt'), certFile: at('tls.crt'), keyFile: at('tls.key'), renew };
}
