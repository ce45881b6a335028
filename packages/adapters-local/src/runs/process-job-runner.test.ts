import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRunner, RunOutcome } from '@soundstage/core';
import { identify, isAlive, type ProcessIdentity } from '../process-identity.js';
import { createProcessJobRunner } from './process-job-runner.js';
import { openRunFolder, writeRecord } from './run-folder.js';
import { processesOf } from './stop-processes.js';

describe('The job runner of child processes', () => {
  let folder: string;
  let runner: JobRunner;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'soundstage-runs-'));
    runner = createProcessJobRunner({ folder, graceS: 0.3 });
  });
  afterEach(async () => {
    for (const name of readdirSync(folder)) if (!name.startsWith('.')) await runner.cancel(name);
    rmSync(folder, { recursive: true });
  });

  const shell = (script: string) => ({ name: 'run', command: '/bin/sh', args: ['-c', script] });
  const record = (name = 'run') => openRunFolder(join(folder, name));
  const forget = (...files: string[]) => files.forEach((file) => rmSync(join(folder, 'run', file), { force: true }));
  async function ended(name = 'run', by = runner): Promise<{ lines: string[]; outcome: RunOutcome }> {
    const lines: string[] = [];
    for await (const event of by.follow(name)) {
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

  test('kills a program that doesn’t listen, with all its children, those in a session of their own too', async () => {
    await runner.start(shell('trap "" TERM; setsid sleep 300 & sleep 300 & echo ready; while :; do sleep 0.1; done'));
    await firstLine();
    const { mark } = record().plan()!;
    expect(processesOf(mark).length).toBeGreaterThanOrEqual(3);
    await runner.cancel('run');
    expect((await ended()).outcome).toEqual({ state: 'cancelled' });
    expect(processesOf(mark)).toEqual([]);
  });

  test('leaves no children behind when a program ends by itself', async () => {
    await runner.start(shell('setsid sleep 300 & sleep 300 & echo done'));
    expect((await ended()).outcome).toEqual({ state: 'succeeded' });
    await eventually(() => (processesOf(record().plan()!.mark).length === 0 ? true : undefined));
  });

  test('keeps a run going when the service is killed, and another process reads its end', async () => {
    const service = `
      import { createProcessJobRunner } from ${JSON.stringify(new URL('./process-job-runner.js', import.meta.url).href)};
      await createProcessJobRunner({ folder: process.argv[1] }).start(JSON.parse(process.argv[2]));
      process.kill(process.pid, 'SIGKILL');`;
    const spec = JSON.stringify(shell('echo before; sleep 0.5; echo after; exit 7'));
    const child = spawn(process.execPath, ['--input-type=module', '-e', service, folder, spec], { stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const { lines, outcome } = await ended('run', createProcessJobRunner({ folder }));
    expect(lines).toEqual(['before', 'after']);
    expect(outcome).toMatchObject({ state: 'failed', exitCode: 7 });
  });

  test('calls a run disrupted whose supervisor was killed, and kills what is left of it', async () => {
    await runner.start(shell('echo ready; setsid sleep 300 & sleep 300'));
    await firstLine();
    const following = ended();
    process.kill(record().supervisor()!.pid, 'SIGKILL');
    expect((await following).outcome).toEqual({ state: 'disrupted' });
    expect(processesOf(record().plan()!.mark)).toEqual([]);
    // What was found stays found.
    expect((await ended('run', createProcessJobRunner({ folder }))).outcome).toEqual({ state: 'disrupted' });
  });

  test('calls a run disrupted when the machine is shut down, not failed', async () => {
    await runner.start(shell('echo ready; sleep 300'));
    await firstLine();
    process.kill(record().supervisor()!.pid, 'SIGTERM');
    expect((await ended()).outcome).toEqual({ state: 'disrupted' });
  });

  test('tells a program that something else killed from one that was cancelled', async () => {
    await runner.start(shell('kill -KILL $$'));
    expect((await ended()).outcome).toMatchObject({ state: 'failed', exitCode: null, signal: 'SIGKILL' });
  });

  test.each(['from before a restart of the machine', 'whose number another process has now'])(
    'calls a run disrupted %s, and leaves that process alone',
    async (what) => {
      const stranger = spawn('/bin/sleep', ['300'], { detached: true });
      await once(stranger, 'spawn');
      try {
        const identity = identify(stranger.pid!)!;
        const stale: ProcessIdentity = what.includes('restart')
          ? { ...identity, bootId: '00000000-0000-0000-0000-000000000000' }
          : { ...identity, startTicks: String(Number(identity.startTicks) - 1) };
        await runner.start(shell('exit 0'));
        await ended();
        forget('supervisor.json', 'program.json', 'end.json');
        writeRecord(join(folder, 'run', 'supervisor.json'), stale);
        writeRecord(join(folder, 'run', 'program.json'), stale);
        expect((await ended()).outcome).toEqual({ state: 'disrupted' });
        await runner.cancel('run');
        expect(isAlive(identity)).toBe(true);
      } finally {
        stranger.kill('SIGKILL');
      }
    },
  );

  test('starts a run whose first starter was killed before it came to that', async () => {
    await runner.start(shell('echo once'));
    await ended();
    forget('supervisor.json', 'program.json', 'end.json', 'stdout.log');
    await runner.start(shell('echo something else'));
    expect(await ended()).toEqual({ lines: ['once'], outcome: { state: 'succeeded' } });
  });

  test('stops a run that fills the disk with its output', async () => {
    const modest = createProcessJobRunner({ folder, graceS: 0.3, maxOutputBytes: 100_000 });
    await modest.start(shell('while :; do echo "much ado about nothing, again and again and again"; done'));
    const { outcome } = await ended();
    expect(outcome).toMatchObject({ state: 'failed' });
    expect((outcome as { reason: string }).reason).toContain('100000 bytes');
  });

  test('gives a program a working folder of its own, and none of the service’s secrets', async () => {
    process.env['SOUNDSTAGE_TEST_SECRET'] = 'hush';
    try {
      await runner.start(shell('pwd; echo "secret:$SOUNDSTAGE_TEST_SECRET"; echo x > here; test -n "$PATH" && ls'));
      expect((await ended()).lines).toEqual([join(folder, 'run', 'work'), 'secret:', 'here']);
    } finally {
      delete process.env['SOUNDSTAGE_TEST_SECRET'];
    }
    await runner.remove('run');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('follows long output in order, with long lines in parts and carriage returns left out', async () => {
    writeFileSync(join(folder, 'text'), `${'ä'.repeat(70_000)}\nwindows\r\n\nend`);
    await runner.start({
      ...shell(`cat ../../text; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "line $i"; done >&2`),
    });
    const stdout: string[] = [];
    const stderr: string[] = [];
    for await (const event of runner.follow('run')) {
      if (event.type === 'line') (event.stream === 'stdout' ? stdout : stderr).push(event.text);
    }
    expect(stdout.slice(-3)).toEqual(['windows', '', 'end']);
    expect(stdout.slice(0, -3).join('') === 'ä'.repeat(70_000)).toBe(true);
    expect(stderr).toEqual(Array.from({ length: 3000 }, (_, n) => `line ${n + 1}`));
    expect(readFileSync(join(folder, 'run', 'end.json'), 'utf8')).toBe('{"state":"succeeded"}');
    rmSync(join(folder, 'text'));
  });
});
