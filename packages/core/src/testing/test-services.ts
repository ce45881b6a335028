import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commonConfig, readConfig, type CommonConfig } from '../config.js';
import { createPlatform, type Adapters, type Platform } from '../platform.js';
import { startServices, type CreateService } from '../service.js';
import { createLogger } from '../telemetry/log.js';
import { createTestClient, type TestClient } from './client.js';

export interface TestServices {
  address: string;
  client: TestClient;
  platform: Platform;
  /** Drains, as SIGTERM does. */
  drain(): Promise<void>;
}

/** A fresh folder, for SOUNDSTAGE_HOME for example, and how to remove it. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'soundstage-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

/** Starts services in this process on a free port, with a client. */
export async function startTestServices(
  connect: (home: string) => Adapters | Promise<Adapters>,
  creators: readonly CreateService[],
  home: string,
  overrides: Partial<CommonConfig> = {},
): Promise<TestServices> {
  const config: CommonConfig = {
    ...readConfig(commonConfig, {}),
    SOUNDSTAGE_HOME: home,
    SOUNDSTAGE_LISTEN: '127.0.0.1:0',
    SOUNDSTAGE_DRAIN_S: 0.2,
    SOUNDSTAGE_LEASE_S: 2,
    ...overrides,
  };
  const log = createLogger({ service: 'test', level: process.env.SOUNDSTAGE_LOG_LEVEL ?? 'fatal' });
  const platform = createPlatform(await connect(home), config, log);
  const running = await startServices(platform, creators);
  const client = createTestClient(running.address, running.own);
  return {
    address: running.address,
    client,
    platform,
    async drain() {
      client.close();
      await running.drain();
    },
  };
}

/** Runs `work` with an environment that the services read when they are made. */
export async function withEnvironment<T>(env: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

/** Waits until something holds. @throws Error after `limitMs` */
export async function until(holds: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  for (const endMs = Date.now() + limitMs; !(await holds());) {
    if (Date.now() > endMs) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
