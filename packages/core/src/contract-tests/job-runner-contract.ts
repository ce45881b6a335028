import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JobRunner, RunEvent, RunOutcome, RunSpec } from '../ports/job-runner.js';
import { expectReason } from './expect-reason.js';

/** A job runner to be tested. Its programs run where there is a POSIX `sh`. */
export interface JobRunnerFixture {
  runner: JobRunner;
  /** A second client of the same runner, as another process would have. */
  other: JobRunner;
  /** Whether stdout and stderr are told apart; Kubernetes gives one log. */
  tellsStreams: boolean;
  close(): Promise<void>;
}

let runs = 0;

/** Holds a job runner adapter to the port. */
export function jobRunnerContract(name: string, createFixture: () => Promise<JobRunnerFixture>): void {
  describe(`${name}, as a job runner,`, () => {
    let fixture: JobRunnerFixture;
    let runner: JobRunner;
    const made: string[] = [];
    beforeAll(async () => {
      fixture = await createFixture();
      runner = fixture.runner;
    });
    afterAll(async () => {
      for (const run of made) {
        await runner.cancel(run).catch(() => undefined);
        await runner.remove(run);
      }
      await fixture.close();
    });

    function newName(): string {
      const run = `contract-${process.pid}-${++runs}`;
      made.push(run);
      return run;
    }
    const shell = (script: string, more: Partial<RunSpec> = {}): RunSpec => ({
      name: newName(),
      command: '/bin/sh',
      args: ['-c', script],
      ...more,
    });
    async function followed(
      run: string,
      by: JobRunner = runner,
    ): Promise<{ lines: string[]; events: RunEvent[]; outcome: RunOutcome }> {
      const events: RunEvent[] = [];
      for await (const event of by.follow(run)) events.push(event);
      const end = events.at(-1);
      if (end?.type !== 'end') throw new Error('the run was followed to no end');
      return {
        lines: events.flatMap((event) => (event.type === 'line' ? [event.text] : [])),
        events,
        outcome: end.outcome,
      };
    }

    test('runs a program and tells each line, the last one without a line break too, then the end', async () => {
      const spec = shell('echo one; echo "$GREETING $1"; printf "\\303\\244 last"', {
        env: { GREETING: 'hello  there' },
      });
      await runner.start({ ...spec, args: [...spec.args, 'sh', 'a "b" $c'] });
      const { lines, outcome } = await followed(spec.name);
      expect(lines).toEqual(['one', 'hello  there a "b" $c', 'ä last']);
      expect(outcome).toEqual({ state: 'succeeded' });
    });

    test('tells what went to stdout and what to stderr', async () => {
      const spec = shell('echo fine; echo trouble >&2');
      await runner.start(spec);
      const { events } = await followed(spec.name);
      if (!fixture.tellsStreams) return;
      expect(events).toContainEqual({ type: 'line', stream: 'stdout', text: 'fine' });
      expect(events).toContainEqual({ type: 'line', stream: 'stderr', text: 'trouble' });
    });

    test('tells the exit code of a program that failed', async () => {
      const spec = shell('exit 42');
      await runner.start(spec);
      expect((await followed(spec.name)).outcome).toMatchObject({ state: 'failed', exitCode: 42, signal: null });
    });

    test('tells of a program that could not be started', async () => {
      const spec = { ...shell(''), command: '/no/such/program' };
      await runner.start(spec);
      const { outcome } = await followed(spec.name);
      expect(outcome).toMatchObject({ state: 'failed' });
      expect((outcome as { reason: string }).reason).toContain('/no/such/program');
    });

    test('tells lines while the program runs', async () => {
      const spec = shell('echo ready; sleep 30');
      await runner.start(spec);
      const startedMs = performance.now();
      for await (const event of runner.follow(spec.name)) {
        expect(event).toMatchObject({ type: 'line', text: 'ready' });
        break;
      }
      expect(performance.now() - startedMs).toBeLessThan(20_000);
      await runner.cancel(spec.name);
    });

    test('starts a run of one name once, whoever asks, and keeps it when it has ended', async () => {
      const spec = shell('echo "started $$"; sleep 0.2');
      await Promise.all([runner.start(spec), fixture.other.start(spec), runner.start(spec), fixture.other.start(spec)]);
      const first = await followed(spec.name);
      expect(first.lines).toHaveLength(1);
      await fixture.other.start(spec);
      expect(await followed(spec.name, fixture.other)).toEqual(first);
    });

    test('lets several follow one run', async () => {
      const spec = shell('for n in 1 2 3 4 5; do echo $n; sleep 0.02; done');
      await runner.start(spec);
      const all = await Promise.all([followed(spec.name), followed(spec.name, fixture.other), followed(spec.name)]);
      for (const { lines } of all) expect(lines).toEqual(['1', '2', '3', '4', '5']);
    });

    test('cancels a run', async () => {
      const spec = shell('trap "echo stopping; exit 0" TERM; echo ready; while :; do sleep 0.05; done');
      await runner.start(spec);
      const following = followed(spec.name);
      for await (const event of runner.follow(spec.name)) if (event.type === 'line') break;
      await fixture.other.cancel(spec.name);
      const { lines, outcome } = await following;
      expect(outcome).toEqual({ state: 'cancelled' });
      // The shell may tell on stderr that what it waited for was stopped too.
      expect(lines.filter((line) => line !== 'Terminated')).toEqual(['ready', 'stopping']);
      await runner.cancel(spec.name);
    });

    test('cancels a run that has hardly begun', async () => {
      const spec = shell('sleep 30');
      await runner.start(spec);
      await runner.cancel(spec.name);
      expect((await followed(spec.name)).outcome).toEqual({ state: 'cancelled' });
    });

    test('leaves an ended run as it ended when it is cancelled', async () => {
      const spec = shell('exit 3');
      await runner.start(spec);
      const before = await followed(spec.name);
      await runner.cancel(spec.name);
      expect((await followed(spec.name)).outcome).toEqual(before.outcome);
    });

    test('stops a run that takes longer than its time limit', async () => {
      const spec = shell('sleep 30', { timeoutS: 1 });
      await runner.start(spec);
      const { outcome } = await followed(spec.name);
      expect(outcome).toMatchObject({ state: 'failed' });
      expect((outcome as { reason: string }).reason).toContain('1 s');
    });

    test('removes an ended run, and its name is free again', async () => {
      const spec = shell('echo first');
      await runner.start(spec);
      await followed(spec.name);
      await runner.remove(spec.name);
      await expectReason(followed(spec.name), 'NOT_FOUND');
      await expectReason(runner.cancel(spec.name), 'NOT_FOUND');
      await runner.remove(spec.name);
      await runner.start({ ...spec, args: ['-c', 'echo second'] });
      expect((await followed(spec.name)).lines).toEqual(['second']);
    });

    test('keeps a run that is still running', async () => {
      const spec = shell('sleep 30');
      await runner.start(spec);
      await expectReason(runner.remove(spec.name), 'CONFLICT');
      await runner.cancel(spec.name);
    });

    test('stops following when told to, and the run goes on', async () => {
      const spec = shell('sleep 0.5; echo done');
      await runner.start(spec);
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 50);
      await expectReason(
        (async () => {
          for await (const event of runner.follow(spec.name, abort.signal)) expect(event.type).not.toBe('end');
        })(),
        'CANCELLED',
      );
      expect((await followed(spec.name)).lines).toEqual(['done']);
    });

    test('refuses names that another adapter could not take', async () => {
      for (const bad of ['', 'A', 'a_b', '-a', 'a-', '../a', 'a/b', 'a'.repeat(53)]) {
        await expectReason(runner.start({ name: bad, command: '/bin/true', args: [] }), 'BAD_INPUT');
      }
      const longest = 'a'.repeat(52);
      made.push(longest);
      await runner.start({ name: longest, command: '/bin/true', args: [] });
      expect((await followed(longest)).outcome).toEqual({ state: 'succeeded' });
    });
  });
}
