import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { freePort, startServer, type TestServer } from './servers.js';

const SCRIPT = join('platform', 'pubsub-emulator', 'bin', 'cloud-pubsub-emulator');

/** Where Google's Pub/Sub emulator lies, or undefined where it isn't installed. */
export const pubsubEmulator: string | undefined = findEmulator();

function findEmulator(): string | undefined {
  const given = process.env.SOUNDSTAGE_PUBSUB_EMULATOR;
  if (given) return given;
  const gcloud = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'gcloud'))
    .find((file) => existsSync(file));
  if (!gcloud) return undefined;
  const beside = join(dirname(dirname(realpathSync(gcloud))), SCRIPT);
  if (existsSync(beside)) return beside;
  try {
    const root = execFileSync(gcloud, ['info', '--format=value(installation.sdk_root)'], { encoding: 'utf8' }).trim();
    return existsSync(join(root, SCRIPT)) ? join(root, SCRIPT) : undefined;
  } catch {
    return undefined;
  }
}

/** Starts the emulator; it keeps everything in memory and forgets it at its end. */
export async function startPubSubEmulator(port?: number): Promise<TestServer> {
  const at = port ?? (await freePort());
  return startServer(pubsubEmulator!, ['--host=127.0.0.1', `--port=${at}`], at, {
    JAVA_OPTS: '-Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  });
}
