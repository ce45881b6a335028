import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { longTest } from '@soundstage/core/contract-tests';
import { cases } from './cases.js';
import { describeChart, render, root } from './helm.js';
import { envOf, workloadsOf } from './objects.js';

/** The line of its log with which a process says that it serves. */
interface Serving {
  address?: string;
  metricsPort?: number;
  url?: string;
}

describeChart('The containers of values-local.yaml, started here', () => {
  let home: string;
  let children: ChildProcess[];
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'soundstage-pods-'));
    children = [];
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  });

  /** Runs a component's command with its own environment; only folders, and ports that may be taken, are others. */
  function start(component: string, changes: Record<string, string> = {}): ChildProcess {
    const { pod } = workloadsOf(render(cases['values-local.yaml'])).find((each) => each.component === component)!;
    const [container] = pod.containers;
    const [program, ...args] = container!.command!;
    expect(program).toBe('node');
    const env = { ...envOf(container!), PATH: process.env.PATH, SOUNDSTAGE_HOME: home, HOME: home, ...changes };
    const options = ['--disable-warning=ExperimentalWarning', ...args.map((arg) => changes[arg] ?? arg)];
    const child = spawn(process.execPath, options, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] });
    children.push(child);
    return child;
  }

  async function serving(child: ChildProcess): Promise<Serving> {
    const said: string[] = [];
    for await (const line of createInterface(child.stderr!)) {
      said.push(line);
      if (/"msg":"(gateway )?serving"/.test(line)) return JSON.parse(line) as Serving;
    }
    throw new Error(`It ended: ${said.join('\n')}`);
  }

  const anyPort = { SOUNDSTAGE_LISTEN: '0.0.0.0:0', SOUNDSTAGE_METRICS_PORT: '0' };
  const loopback = (address: string) => address.replace('0.0.0.0', '127.0.0.1');

  test('answer the probes, and stop within the time that a spot node gives', async () => {
    const splitter = start('splitter', anyPort);
    const { address, metricsPort } = await serving(splitter);
    for (const path of ['healthz', 'readyz', 'metrics']) {
      expect((await fetch(`http://127.0.0.1:${metricsPort}/${path}`)).status).toBe(200);
    }
    // Any service that is well is well enough for the gateway's question.
    const changes = { SOUNDSTAGE_GATEWAY_PORT: '0', SOUNDSTAGE_INFERENCE: loopback(address!) };
    const gateway = start('gateway', changes);
    const { url } = await serving(gateway);
    for (const path of ['healthz', 'readyz']) expect((await fetch(`${loopback(url!)}/${path}`)).status).toBe(200);

    const begin = Date.now();
    const ended = [gateway, splitter].map((child) => once(child, 'exit'));
    for (const child of [gateway, splitter]) child.kill('SIGTERM');
    expect((await Promise.all(ended)).map(([code]) => code as number)).toEqual([0, 0]);
    expect(Date.now() - begin).toBeLessThan(15_000);
  }, 90_000);

  longTest(
    'do the foley job of `helm test` on one volume: front, worker and command line',
    async () => {
      const front = start('inference', anyPort);
      const worker = start('inference-worker', anyPort);
      const [{ address }] = await Promise.all([serving(front), serving(worker)]);
      worker.stderr!.resume();
      front.stderr!.resume();
      const output = join(home, 'demo.foley.mp4');
      const client = start('client', {
        SOUNDSTAGE_HOME: join(home, 'client'),
        'soundstage-inference:7400': loopback(address!),
        '/tmp/demo.foley.mp4': output,
      });
      const said: string[] = [];
      client.stderr!.on('data', (data: Buffer) => said.push(data.toString()));
      const [code] = (await once(client, 'exit')) as [number];
      expect([code, said.join('')]).toEqual([0, expect.any(String)]);
      expect(statSync(output).size).toBeGreaterThan(10_000);
    },
    120_000,
  );
});
