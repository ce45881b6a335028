import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JobState, type Run } from '@soundstage/contracts';
import { createTestClient, startServiceProcess, temporaryFolder, type TestClient } from '@soundstage/core/testing';
import {
  getRun,
  LAUNCHER_MAIN,
  launch,
  parameters,
  startsIn,
  startTestLauncher,
  testEnvironment,
  untilStep,
  type TestLauncher,
} from './testing/launcher.js';

const STEADY = { recipe: 'steady', seed: 7n, ...parameters({ epochs: 60 }) };

const valueOf = (run: Run) =>
  run.job?.result?.$case === 'training' && run.job.result.value.metrics.find(({ name }) => name === 'value')?.value;

let undisturbed: TestLauncher;
let expected: Run;

beforeAll(async () => {
  undisturbed = await startTestLauncher();
  const { id } = await launch(undisturbed.client, STEADY);
  await undisturbed.client.untilEnded(id);
  expected = await getRun(undisturbed.client, id);
}, 60_000);
afterAll(() => undisturbed.close());

/** The same result, and the same curves without a gap or a step that was drawn twice. */
function expectSame(run: Run): void {
  expect(run.job?.state).toBe(JobState.SUCCEEDED);
  expect(valueOf(run)).toBe(valueOf(expected));
  expect(run.curves).toEqual(expected.curves);
}

describe('a run that is disturbed', () => {
  test('goes on from its checkpoints where its trainer is killed -9 or told to stop, and ends as if nothing had been', async () => {
    const launcher = await startTestLauncher();
    const { id } = await launch(launcher.client, STEADY);
    for (const [step, signal] of [
      [10, 'SIGKILL'],
      [30, 'SIGTERM'],
      [40, 'SIGKILL'],
    ] as const) {
      await untilStep(launcher.home, step);
      process.kill((await startsIn(launcher.home)).at(-1)!, signal);
    }
    await launcher.client.untilEnded(id);
    const run = await getRun(launcher.client, id);
    expectSame(run);
    expect(run).toMatchObject({ job: { attempt: 1 }, facts: { resumed: 3 } });
    await launcher.close();
  });

  test('goes on where launcher and trainer are killed -9 together', async () => {
    const home = await temporaryFolder();
    const env = await testEnvironment(home.path);
    let id = '';
    let client: TestClient | undefined;
    for (const step of [10, 30, undefined]) {
      const launcher = await startServiceProcess(LAUNCHER_MAIN, env);
      client = createTestClient(launcher.address);
      id ||= (await launch(client, STEADY)).id;
      if (step === undefined) {
        await client.untilEnded(id);
        expectSame(await getRun(client, id));
        await launcher.stop('SIGTERM');
      } else {
        await untilStep(home.path, step);
        const trainer = (await startsIn(home.path)).at(-1)!;
        await launcher.stop('SIGKILL');
        process.kill(trainer, 'SIGKILL');
      }
      client.close();
    }
    await home.remove();
  });

  test('is given up where it gets nowhere', async () => {
    const { client } = undisturbed;
    const { id } = await launch(client, { recipe: 'hopeless' });
    // What is tried again later is queued again.
    const job = await client.waitFor(id, ({ error }) => error !== undefined);
    expect(job.error?.message).toMatch(/disturbed 6 times in a row/);
    await client.cancelJob(id);
  });
});
