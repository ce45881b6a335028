import { createSecureContext } from 'node:tls';
import { experimental, type ServerCredentials } from '@grpc/grpc-js';
import { badInput } from '../errors.js';
import type { Logger } from '../telemetry/log.js';
import type { TlsSettings } from './config.js';
import { LOOK_EVERY_MS, watchFiles } from './watched-file.js';

export interface Certificate {
  cert: Buffer;
  key: Buffer;
}

/** A server's certificate, which is renewed under it. */
export interface CertificateWatch {
  current(): Certificate;
  /** Calls with each new certificate. @returns what ends it */
  follow(onChange: (certificate: Certificate) => void): () => void;
}

/**
 * Reads a certificate and its key, and again when they change; a pair that doesn't fit, as while they are being
 * replaced, is left for the next look.
 *
 * @throws BAD_INPUT when they can't be used at first
 */
export function watchCertificate(
  { certFile, keyFile }: TlsSettings,
  log: Logger | undefined,
  lookEveryMs = LOOK_EVERY_MS,
): CertificateWatch {
  let current: () => Certificate;
  const read = ([cert, key]: Buffer[]): Certificate => {
    const pair = { cert: cert!, key: key! };
    createSecureContext(pair); // throws where they don't fit
    return pair;
  };
  try {
    current = watchFiles(
      [certFile, keyFile],
      read,
      (error) =>
        log?.error({ err: error, path: certFile }, 'the certificate has changed and can’t be used: the old one holds'),
      lookEveryMs / 2,
    );
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw badInput(
      `The certificate ${certFile} and its key ${keyFile} can't be used (${code}): both must be PEM files that go together.`,
      'SOUNDSTAGE_TLS_CERT',
    );
  }
  return {
    current: () => current(),
    follow(onChange) {
      let known = current();
      const timer = setInterval(() => {
        const now = current();
        if (now === known) return;
        known = now;
        log?.info({ path: certFile }, 'new certificate');
        onChange(now);
      }, lookEveryMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

/** Credentials of a gRPC server with a certificate that is renewed under it. */
export function grpcServerCredentials(watch: CertificateWatch): ServerCredentials {
  const stops = new Map<unknown, () => void>();
  const provider = {
    addIdentityCertificateListener(listener: (update: { certificate: Buffer; privateKey: Buffer }) => void) {
      const tell = ({ cert, key }: Certificate) => listener({ certificate: cert, privateKey: key });
      // Whoever asks to be told isn't ready to be told yet.
      process.nextTick(() => tell(watch.current()));
      stops.set(listener, watch.follow(tell));
    },
    removeIdentityCertificateListener(listener: unknown) {
      stops.get(listener)?.();
      stops.delete(listener);
    },
    addCaCertificateListener() {},
    removeCaCertificateListener() {},
  };
  // The library's own watcher of files takes a certificate without its key for the truth, and drops connections.
  // In its types the names of the first two are swapped: the server's own certificate comes first.
  return experimental.createCertificateProviderServerCredentials(provider, null, false);
}
