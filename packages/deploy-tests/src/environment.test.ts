import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readAdapterChoice } from '@soundstage/adapters';
import {
  commonConfig,
  createPlatform,
  JOB_KINDS,
  readClientSecurity,
  readConfig,
  readServerSecurity,
  type Adapters,
  type CommonConfig,
  type Logger,
} from '@soundstage/core';
import { caseNames, cases } from './cases.js';
import { describeChart, render, root } from './helm.js';
import { namesReadBy } from './known-environment.js';
import { containersOf, envOf, ofKind, workloadsOf, type Container, type Workload } from './objects.js';

type Reader = (env: NodeJS.ProcessEnv) => Record<string, unknown>;

/** The reader of configuration that a service's program itself uses. */
async function readerOf(main: string): Promise<Reader> {
  const file = join(root, main.replace('main.js', 'config.js'));
  const module = (await import(pathToFileURL(file).href)) as Record<string, Reader>;
  const [name] = Object.keys(module).filter((each) => /^read\w+Config$/.test(each));
  return module[name!]!;
}

const programOf = (container: Container) => container.command![1]!;
const isService = (container: Container) => programOf(container).startsWith('services/');
const containers = (objects: ReturnType<typeof render>) =>
  workloadsOf(objects).flatMap((workload) =>
    containersOf(workload).map((container) => ({ workload, container, env: envOf(container) })),
  );

/** Variables that the container's program doesn't read: misspelt ones. */
function unknownNames(container: Container): string[] {
  const known = namesReadBy(programOf(container));
  const foreign = ['HOME'];
  return Object.keys(envOf(container)).filter((name) => !known.has(name) && !foreign.includes(name));
}

/** Variables that name a file of a Secret which isn't mounted. */
function lostFiles({ pod }: Workload, container: Container): string[] {
  const files = (container.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
    const secret = pod.volumes?.find((volume) => volume.name === name)?.secret as { items?: { path: string }[] };
    return secret?.items?.map(({ path }) => `${mountPath}/${path}`) ?? [];
  });
  return Object.entries(envOf(container))
    .filter(([, value]) => value.startsWith('/etc/') && !files.includes(value))
    .map(([name]) => name);
}

describeChart('The environment that the chart gives', () => {
  /** What lies in the pods' /etc/soundstage, so that readers which look into files find them. */
  let secrets: string;
  beforeAll(() => {
    secrets = mkdtempSync(join(tmpdir(), 'soundstage-chart-'));
    for (const [folder, file, content] of [
      ['token', 'token', 'sst_something\n'],
      ['tls', 'ca.crt', 'a certificate'],
      ['auth', 'keys.json', '{}'],
    ] as const) {
      mkdirSync(join(secrets, folder));
      writeFileSync(join(secrets, folder, file), content);
    }
  });
  afterAll(() => rmSync(secrets, { recursive: true }));

  const here = (env: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value.replace('/etc/soundstage', secrets)] as const),
    );

  test.each(caseNames)('has only names that the program reads, each once, and files that are mounted: %s', (name) => {
    for (const { workload, container } of containers(render(cases[name]))) {
      const names = container.env!.map((variable) => variable.name);
      expect([workload.title, names.filter((each, i) => names.indexOf(each) !== i)]).toEqual([workload.title, []]);
      expect([workload.title, unknownNames(container)]).toEqual([workload.title, []]);
      expect([workload.title, lostFiles(workload, container)]).toEqual([workload.title, []]);
    }
  });

  test.each(caseNames)('is taken by each service’s own reader, and is what was meant: %s', async (name) => {
    const objects = render(cases[name]);
    for (const { workload, container, env } of containers(objects)) {
      if (!isService(container)) continue;
      const own = (await readerOf(programOf(container)))(here(env));
      const port = (named: string) => container.ports?.find((each) => each.name === named)?.containerPort;
      if (workload.component === 'gateway') {
        const [, service] = /^(.+):7400$/.exec(own['inferenceAddress'] as string) ?? [];
        expect(ofKind(objects, 'Service').map(({ metadata }) => metadata.name)).toContain(service);
        expect(own).toMatchObject({ host: '0.0.0.0', port: port('http') });
        continue;
      }
      const common = readConfig(commonConfig, env);
      expect(common).toMatchObject({
        SOUNDSTAGE_HOME: '/var/lib/soundstage',
        SOUNDSTAGE_LISTEN: `0.0.0.0:${port('grpc')}`,
        SOUNDSTAGE_METRICS_HOST: '0.0.0.0',
        SOUNDSTAGE_METRICS_PORT: port('metrics'),
        SOUNDSTAGE_ROLE: workload.component === 'inference' ? 'front' : 'all',
        SOUNDSTAGE_DRAIN_S: 8,
      });
      readServerSecurity(common, common.SOUNDSTAGE_LISTEN);
      const local = name === 'values-local.yaml';
      const standIns = name.startsWith('stand-ins');
      expect(readAdapterChoice(env)).toMatchObject({
        signedAddresses: !local && !standIns,
        queue: local ? 'sqlite' : 'pubsub',
        store: local ? 'folder' : 'gcs',
        ...(workload.component === 'trainer-launcher' ? { runner: 'kubernetes' } : {}),
      });
    }
  });

  test.each(caseNames)('lets in nobody without a key, and the command line knows one, unless it is off: %s', (name) => {
    for (const { workload, container, env } of containers(render(cases[name]))) {
      const server = isService(container) ? readServerSecurity(readConfig(commonConfig, env), '0.0.0.0') : undefined;
      const client = readClientSecurity(here(env));
      const local = name === 'values-local.yaml';
      if (server) expect([workload.title, server.auth === undefined]).toEqual([workload.title, local]);
      const calls = ['gateway', 'client'].includes(workload.component);
      expect([workload.title, client.token !== undefined]).toEqual([workload.title, calls && !local]);
      const tls = name.includes('TLS everywhere');
      expect([workload.title, client.roots !== undefined]).toEqual([workload.title, calls && tls]);
      if (server && workload.component !== 'gateway') expect(server.tls !== undefined).toBe(tls);
    }
  });

  test('has runs and their launcher share the folder that the launcher lays runs out in', async () => {
    const { container, env } = containers(render(cases['values.yaml'])).find(
      (each) => each.workload.component === 'trainer-launcher',
    )!;
    const path = env['SOUNDSTAGE_RUNNER_VOLUME_PATH']!;
    expect(container.volumeMounts!.find(({ name }) => name === 'runs')!.mountPath).toBe(path);
    const file = join(root, 'services/trainer-launcher/dist/run-folders.js');
    const { createRunFolders } = (await import(pathToFileURL(file).href)) as {
      createRunFolders(
        platform: object,
        env: object,
      ): { open(run: string, job: string): Promise<string>; close(): Promise<void> };
    };
    const home = join(secrets, 'home');
    const here = (text: string) => text.replace(env['SOUNDSTAGE_HOME']!, home);
    const config = { SOUNDSTAGE_HOME: home } as CommonConfig;
    const log = { warn: () => undefined } as unknown as Logger;
    const platform = createPlatform({} as Adapters, config, log);
    const folders = createRunFolders(platform, { ...env, SOUNDSTAGE_RUNNER_VOLUME_PATH: here(path) });
    expect(await folders.open('training-1', 'j1')).toMatch(here(`${path}/`));
    await folders.close();
  });

  test('has all pods of the gateway sign addresses of results alike', () => {
    for (const name of caseNames) {
      const { workload, container } = containers(render(cases[name])).find(
        (each) => each.workload.component === 'gateway',
      )!;
      const secret = container.env!.find((variable) => variable.name === 'SOUNDSTAGE_RESULT_SECRET');
      const alone = (workload.object.spec as { replicas: number }).replicas === 1;
      expect([name, secret?.valueFrom?.secretKeyRef]).toEqual([
        name,
        alone ? undefined : { name: 'soundstage-results', key: 'secret' },
      ]);
    }
  });

  test('has the ports that the code itself would take', async () => {
    const env = { SOUNDSTAGE_AUTH: 'off' };
    const gateway = (await readerOf('services/gateway/dist/main.js'))(env);
    const [, grpc] = readConfig(commonConfig, env).SOUNDSTAGE_LISTEN.split(':');
    for (const { container } of containers(render(cases['values.yaml'])).filter((each) => isService(each.container))) {
      for (const { name, containerPort } of container.ports!) {
        if (name === 'http') expect(containerPort).toBe(gateway['port']);
        if (name === 'grpc') expect(containerPort).toBe(Number(grpc));
      }
    }
  });

  test('has a worker for every kind of work, and queues are made before any', () => {
    const objects = render(cases['an HPA on T4s that stay, and features on T4s']);
    const init = ofKind(objects, 'Job')[0]!;
    expect(init.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
    // Without names it makes those of all kinds of work.
    expect(workloadsOf([init])[0]!.pod.containers[0]!.command!.slice(2)).toEqual(['queue', 'init']);
    const scaled = ofKind(objects, 'HorizontalPodAutoscaler').flatMap(
      ({ spec }) => spec!['metrics'] as { external: { metric: { selector: { matchLabels: object } } } }[],
    );
    const subscriptions = scaled.map(
      ({ external }) => Object.values(external.metric.selector.matchLabels)[0] as string,
    );
    expect(subscriptions.sort()).toEqual([
      'soundstage-bulkCollection',
      'soundstage-collection',
      'soundstage-foley',
      'soundstage-sync',
    ]);
    for (const subscription of subscriptions) {
      expect(JOB_KINDS).toContain(subscription.replace('soundstage-', ''));
    }
  });

  test('would be found out if a name were misspelt, or a file not mounted', () => {
    const { workload, container } = structuredClone(
      containers(render(cases['values.yaml'])).find((each) => each.workload.component === 'collector')!,
    );
    container.env!.push({ name: 'SOUNDSTAGE_LEASE_SECONDS', value: '3' });
    expect(unknownNames(container)).toEqual(['SOUNDSTAGE_LEASE_SECONDS']);
    container.env!.push({ name: 'SOUNDSTAGE_GATEWAY_PORT', value: '7480' });
    expect(unknownNames(container)).toContain('SOUNDSTAGE_GATEWAY_PORT'); // another service's
    container.volumeMounts = container.volumeMounts!.filter(({ name }) => name !== 'auth');
    expect(lostFiles(workload, container)).toEqual(['SOUNDSTAGE_API_KEYS_FILE']);
  });
});
