import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRunner, RunOutcome, RunSpec } from '@soundstage/core';
import { startKubernetesApi, type KubernetesApi } from '../testing/kubernetes/api-server.js';
import type { ApiFault, ApiVerb } from '../testing/kubernetes/faults.js';
import { createKubernetesJobRunner, type KubernetesJobRunnerOptions } from './kubernetes-job-runner.js';

describe('The job runner on Kubernetes', () => {
  let api: KubernetesApi;
  let folder: string;
  let runner: JobRunner;
  beforeEach(async () => {
    api = await startKubernetesApi();
    folder = mkdtempSync(join(tmpdir(), 'soundstage-runs-'));
    runner = create();
  });
  afterEach(async () => {
    await api.close();
    rmSync(folder, { recursive: true });
  });

  const create = (options: Partial<KubernetesJobRunnerOptions> = {}) =>
    createKubernetesJobRunner({ config: api.config, image: 'trainer', graceS: 1, quietMs: 400, ...options });
  const shell = (script: string, more: Partial<RunSpec> = {}): RunSpec => ({
    name: 'run',
    command: '/bin/sh',
    args: ['-c', script],
    ...more,
  });
  /** Befalls the first so many requests that are meant. */
  const befall = (isMeant: (request: ApiVerb) => boolean, fault: ApiFault, times = 1) => {
    let left = times;
    api.plan = (request) => (isMeant(request) && left-- > 0 ? fault : undefined);
  };
  const isWatch = ({ verb }: ApiVerb) => verb === 'watch';
  const isLog = ({ resource }: ApiVerb) => resource === 'pods/log';
  const asked = (isMeant: (request: ApiVerb) => boolean) => api.requests.filter(isMeant).length;
  const numbers = (count: number, first = 1) => Array.from({ length: count }, (_, n) => String(n + first));

  async function ended(by = runner): Promise<{ lines: string[]; outcome: RunOutcome }> {
    const lines: string[] = [];
    for await (const event of by.follow('run')) {
      if (event.type === 'end') return { lines, outcome: event.outcome };
      lines.push(event.text);
    }
    throw new Error('no end');
  }
  async function firstLine(): Promise<void> {
    for await (const event of runner.follow('run')) if (event.type === 'line') return;
  }
  async function eventually<T>(look: () => T | undefined): Promise<T> {
    for (let tries = 0; tries < 500; tries++, await sleep(20)) {
      const found = look();
      if (found !== undefined) return found;
    }
    throw new Error('it did not happen within 10 s');
  }
  const podName = () => api.podsOf('run').at(-1)!.metadata.name;

  test('hands over what a program is given to the letter, with folders of its own and nothing else', async () => {
    const odd = ['$(HOME)', '$$', '$$(HOME)', '$HOME', 'a\nb', ''];
    await runner.start({
      name: 'run',
      command: process.execPath,
      args: [
        '-e',
        'require("fs").writeFileSync("here", ""); console.log(JSON.stringify([process.argv.slice(1), process.env]))',
        '--',
        ...odd,
      ],
      env: { ODD: '$(PATH) $$ $x', EMPTY: '' },
    });
    const { lines } = await ended();
    const [args, env] = JSON.parse(lines.join('\n')) as [string[], Record<string, string>];
    expect(args).toEqual(odd);
    expect(env).toMatchObject({ ODD: '$(PATH) $$ $x', EMPTY: '' });
    expect(Object.keys(env).sort()).toEqual(['EMPTY', 'HOME', 'LANG', 'ODD', 'PATH', 'TMPDIR']);
  });

  test('asks for a GPU, a Spot node, a priority, a queue and the shared volume where it is told to', async () => {
    const rich = create({
      volume: { claim: 'runs', path: folder },
      spot: true,
      priorityClass: 'batch',
      queue: 'gpus',
      ttlS: 60,
      serviceAccount: 'soundstage-run',
    });
    await rich.start(shell('true', { needsGpu: true, timeoutS: 90.5 }));
    const { spec, metadata } = api.objects.all('jobs')[0]!;
    expect(metadata.labels).toMatchObject({
      'app.kubernetes.io/part-of': 'soundstage',
      'app.kubernetes.io/component': 'run',
      'app.kubernetes.io/managed-by': 'soundstage',
      'kueue.x-k8s.io/queue-name': 'gpus',
    });
    expect(spec).toMatchObject({ suspend: true, ttlSecondsAfterFinished: 60, backoffLimit: 0 });
    expect(spec.template.spec).toMatchObject({
      nodeSelector: {
        'cloud.google.com/gke-accelerator': 'nvidia-tesla-t4',
        'cloud.google.com/gke-gpu-driver-version': 'default',
        'cloud.google.com/gke-spot': 'true',
      },
      tolerations: [
        { key: 'nvidia.com/gpu', operator: 'Equal', value: 'present', effect: 'NoSchedule' },
        { key: 'cloud.google.com/gke-spot', operator: 'Equal', value: 'true', effect: 'NoSchedule' },
      ],
      activeDeadlineSeconds: 91,
      priorityClassName: 'batch',
      serviceAccountName: 'soundstage-run',
      automountServiceAccountToken: false,
      containers: [{ resources: { limits: { 'nvidia.com/gpu': '1' } }, volumeMounts: [{}, {}, { mountPath: folder }] }],
    });
    // It waits for the queue to let it in, and can be cancelled while it does.
    expect(api.podsOf('run')).toEqual([]);
    await rich.cancel('run');
    expect((await ended(rich)).outcome).toEqual({ state: 'cancelled' });
    // Should the queue let it in now, it ends without a pod.
    api.objects.update(api.objects.all('jobs')[0]!, ({ spec: job }) => void (job.suspend = false));
    await eventually(() =>
      api.objects.all('jobs')[0]!.status.conditions?.some(({ type }) => type === 'Failed') ? true : undefined,
    );
    expect(api.podsOf('run')).toEqual([]);
    expect((await ended(rich)).outcome).toEqual({ state: 'cancelled' });
  });

  test('runs on when the service is killed, and another process reads it from its first line', async () => {
    writeFileSync(join(folder, 'kubeconfig'), api.kubeconfig);
    const service = `
      import { createKubernetesJobRunner } from ${JSON.stringify(new URL('./kubernetes-job-runner.js', import.meta.url).href)};
      await createKubernetesJobRunner({ image: 'trainer' }).start(JSON.parse(process.argv[1]));
      process.kill(process.pid, 'SIGKILL');`;
    const spec = JSON.stringify(shell('echo before; sleep 0.5; echo after; exit 7'));
    const env = { ...process.env, KUBECONFIG: join(folder, 'kubeconfig') };
    const child = spawn(process.execPath, ['--input-type=module', '-e', service, spec], { stdio: 'inherit', env });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const { lines, outcome } = await ended();
    expect(lines).toEqual(['before', 'after']);
    expect(outcome).toMatchObject({ state: 'failed', exitCode: 7 });
  });

  describe('where its watch', () => {
    test.each<[string, ApiFault]>([
      ['goes silent', { kind: 'stall' }],
      ['ends at once', { kind: 'end', bytes: 0 }],
      ['breaks off in the middle of an event', { kind: 'break', bytes: 200 }],
      ['is told 410 in an event', { kind: 'expire' }],
      ['is answered 410', { kind: 'answer', status: 410 }],
      ['is answered 429', { kind: 'answer', status: 429, retryAfterS: 0.2 }],
      ['is answered 500', { kind: 'answer', status: 500 }],
      ['can’t be opened', { kind: 'cut' }],
    ])('%s, lists again and tells the end', async (_, fault) => {
      api.kubelet.scheduleMs = 300;
      befall(isWatch, fault, 4);
      await runner.start(shell('echo one; sleep 0.3; echo two; exit 3'));
      expect(await ended()).toMatchObject({ lines: ['one', 'two'], outcome: { state: 'failed', exitCode: 3 } });
      expect(asked(isWatch)).toBeGreaterThan(2);
    });

    test('asks from a version that was forgotten, lists again', async () => {
      api.kubelet.scheduleMs = 300;
      api.plan = (request) => {
        if (isWatch(request)) api.objects.compact();
        return undefined;
      };
      await runner.start(shell('echo one'));
      expect(await ended()).toEqual({ lines: ['one'], outcome: { state: 'succeeded' } });
    });
  });

  describe('where a log', () => {
    const COUNT = 'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i; done; sleep 0.6; echo 401';
    test.each<[string, ApiFault]>([
      ['breaks in the middle of a line', { kind: 'break', bytes: 3001 }],
      ['breaks in the middle of a time stamp', { kind: 'break', bytes: 3410 }],
      ['ends as if there was no more', { kind: 'end', bytes: 5000 }],
      ['goes silent', { kind: 'stall' }],
      ['is answered 500', { kind: 'answer', status: 500 }],
      ['is answered 429', { kind: 'answer', status: 429, retryAfterS: 0.1 }],
      ['can’t be opened', { kind: 'cut' }],
    ])('%s, loses and doubles no line', async (_, fault) => {
      befall((request) => isLog(request) && request.query.get('follow') === 'true', fault, 2);
      await runner.start(shell(COUNT));
      expect(await ended()).toEqual({ lines: numbers(401), outcome: { state: 'succeeded' } });
      expect(asked(isLog)).toBeGreaterThan(2);
    });

    test('breaks in the middle of a line of megabytes, loses and doubles nothing of it', async () => {
      befall(isLog, { kind: 'break', bytes: 700_001 }, 2);
      writeFileSync(join(folder, 'text'), `start\n${'ä'.repeat(1_000_000)}\r\n\nend`);
      await runner.start(shell(`cat ${folder}/text; sleep 0.5`));
      const { lines } = await ended();
      expect([lines[0], ...lines.slice(-2)]).toEqual(['start', '', 'end']);
      expect(lines.slice(1, -2).join('') === 'ä'.repeat(1_000_000)).toBe(true);
      expect(Math.max(...lines.map((line) => line.length))).toBe(64 * 1024);
    });

    test('is rotated while it is read again, goes on with what is there', async () => {
      befall(isLog, { kind: 'break', bytes: 3001 });
      await runner.start(shell('echo a; echo b; sleep 1; echo c'));
      api.plan = (request) => {
        if (isLog(request) && asked(isLog) === 2) api.kubelet.containerOf(podName())!.log.rotate();
        return isLog(request) && asked(isLog) === 1 ? { kind: 'break', bytes: 66 } : undefined;
      };
      const { lines } = await ended();
      expect(lines.at(-1)).toBe('c');
      expect(new Set(lines).size).toBe(lines.length);
    });
  });

  describe('when a pod is taken away', () => {
    test.each(['evicted', 'stopped with its Spot node'])('(%s) follows the one that takes its place', async (how) => {
      await runner.start(
        shell(`trap 'echo stopping; exit 75' TERM; if [ -e ${folder}/there ]; then echo again; exit 0; fi
               touch ${folder}/there; echo first; while :; do sleep 0.05; done`),
      );
      const following = ended();
      await firstLine();
      const first = podName();
      if (how === 'evicted') api.evict(first);
      else api.kubelet.endNode(first);
      expect(await following).toEqual({ lines: ['first', 'stopping', 'again'], outcome: { state: 'succeeded' } });
      expect(podName()).not.toBe(first);
      expect(api.objects.all('jobs')[0]!.status.failed).toBeUndefined();
    });

    test('ends as failed where its program calls its input bad, and as disrupted where nobody knows', async () => {
      await runner.start(shell("trap 'exit 42' TERM; echo ready; while :; do sleep 0.05; done"));
      await firstLine();
      api.evict(podName());
      expect((await ended()).outcome).toMatchObject({ state: 'failed', exitCode: 42 });
      await runner.remove('run');

      await runner.start(shell('echo ready; sleep 30'));
      await firstLine();
      // Somebody deletes the pod by hand.
      const pod = api.podsOf('run').at(-1)!;
      api.objects.update(pod, ({ metadata }) => void (metadata.deletionTimestamp = new Date().toISOString()));
      expect((await ended()).outcome).toEqual({ state: 'disrupted' });
    });

    test('tells that it took too much memory', async () => {
      await create({ memory: '64Mi' }).start(shell('echo ready; sleep 30'));
      await firstLine();
      api.kubelet.runOutOfMemory(podName());
      expect((await ended()).outcome).toEqual({
        state: 'failed',
        exitCode: null,
        signal: 'SIGKILL',
        reason: 'It took more memory than its limit of 64Mi.',
      });
    });
  });

  test('waits for an image for a while, then fails with Kubernetes’ words, for all who look', async () => {
    api.kubelet.missingImages.add('trainer');
    const patient = create();
    await patient.start(shell('echo pulled'));
    setTimeout(() => api.kubelet.missingImages.clear(), 300);
    expect(await ended(patient)).toEqual({ lines: ['pulled'], outcome: { state: 'succeeded' } });
    await patient.remove('run');
    api.kubelet.missingImages.add('trainer');
    await patient.start(shell('echo pulled'));
    const { outcome } = await ended(create({ startLimitMs: 500 }));
    expect(outcome).toMatchObject({ state: 'failed', exitCode: null });
    expect((outcome as { reason: string }).reason).toContain('ImagePullBackOff');
    expect((await ended(patient)).outcome).toEqual(outcome);
  });

  test('says so when it takes over a Job that is none of its own', async () => {
    await runner.start(shell('sleep 30'));
    api.objects.update(api.objects.all('jobs')[0]!, ({ metadata }) => void (metadata.labels = { app: 'other' }));
    await expect(runner.start(shell('true'))).rejects.toMatchObject({ reason: 'CONFLICT', retryable: false });
    await expect(runner.cancel('run')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await runner.remove('run');
    expect(api.objects.all('jobs')).toHaveLength(1);
  });

  describe('refused by the API', () => {
    const hasty = () => create({ retryMs: 300 });

    test('names verb, resource, namespace, account and what to grant', async () => {
      const stranger = create({ namespace: 'elsewhere' });
      const error = await stranger.start(shell('true')).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reason: 'UNAVAILABLE', retryable: false });
      for (const part of [
        'create jobs',
        'elsewhere',
        'system:serviceaccount:soundstage:trainer-launcher',
        'Role',
        'docs/kubernetes-runs.md',
      ]) {
        expect((error as Error).message).toContain(part);
      }
      await runner.start(shell('echo x; sleep 30'));
      befall(isLog, { kind: 'answer', status: 403, message: 'pods "x" is forbidden' }, 99);
      await expect(ended()).rejects.toThrow(/get pods\/log .*verb get on pods\/log/);
      befall(isWatch, { kind: 'answer', status: 403 }, 99);
      await expect(ended()).rejects.toThrow(/verb watch on (jobs|pods)/);
    });

    test.each<[number, string, boolean]>([
      [401, 'UNAVAILABLE', false],
      [422, 'BAD_INPUT', false],
      [429, 'EXHAUSTED', true],
      [503, 'UNAVAILABLE', true],
    ])('turns %i into %s', async (status, reason, retryable) => {
      befall(({ verb }) => verb === 'create', { kind: 'answer', status }, 99);
      await expect(hasty().start(shell('true'))).rejects.toMatchObject({ reason, retryable });
      const tries = asked(({ verb }) => verb === 'create');
      expect(tries > 1).toBe(retryable);
    });

    test('waits as long as a 429 asks for, and starts once where an answer was lost', async () => {
      befall(({ verb }) => verb === 'create', { kind: 'answer', status: 429, retryAfterS: 1 });
      const startedMs = performance.now();
      await runner.start(shell('echo once'));
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(990);
      await ended();
      await runner.remove('run');
      befall(({ verb }) => verb === 'create', { kind: 'lose' });
      await runner.start(shell('echo once'));
      expect((await ended()).lines).toEqual(['once']);
      expect(asked(({ verb }) => verb === 'create')).toBe(4);
    });

    test('tells a run that can’t be reached from one that isn’t there', async () => {
      api.plan = () => ({ kind: 'cut' });
      await expect(ended(hasty())).rejects.toMatchObject({ reason: 'UNAVAILABLE', retryable: true });
      api.plan = () => undefined;
      await expect(ended(hasty())).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    });
  });

  test('cancels although others change the Job at the same time', async () => {
    await runner.start(shell('echo ready; sleep 30'));
    await firstLine();
    befall(({ verb }) => verb === 'patch', { kind: 'answer', status: 409 }, 3);
    await Promise.all([runner.cancel('run'), create().cancel('run')]);
    expect((await ended()).outcome).toEqual({ state: 'cancelled' });
  });

  test('waits for an earlier run of the name that is still being deleted', async () => {
    await runner.start(shell('trap "" TERM; echo first; while :; do sleep 0.05; done'));
    await firstLine();
    const job = api.objects.all('jobs')[0]!;
    api.objects.update(job, ({ metadata }) => void (metadata.deletionTimestamp = new Date().toISOString()));
    await expect(ended()).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await runner.start(shell('echo second'));
    expect((await ended()).lines).toEqual(['second']);
  });
});
