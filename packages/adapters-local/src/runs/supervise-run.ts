/**
 * Watches over one run, in a process of its own, so that the run outlives the service that started it and its exit
 * code can be read by any process later: node supervise-run.js FOLDER
 *
 * SIGTERM ends the run: as cancelled when the folder says that this is wanted, otherwise (the machine is shutting
 * down) as disrupted.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import type { RunOutcome } from '@soundstage/core';
import { identify } from '../process-identity.js';
import { openRunFolder, type RunFolder, type RunPlan } from './run-folder.js';
import { MARK_NAME, signalGroup, signalRun } from './stop-processes.js';

const OUTPUT_CHECK_MS = 1000;
// setTimeout takes no longer time.
const TIMEOUT_MAX_MS = 0x7fffffff;

function supervise(folder: RunFolder): void {
  const running: { stop?: (outcome: RunOutcome) => void } = {};
  let toldToStop = false;
  const onTerm = () => {
    toldToStop = true;
    running.stop?.(folder.cancelWanted() ? { state: 'cancelled' } : { state: 'disrupted' });
  };
  // Before the claim: who finds the claim may signal at once.
  process.on('SIGTERM', onTerm).on('SIGINT', onTerm).on('SIGHUP', onTerm);

  const plan = folder.plan();
  if (!plan || !folder.claim(identify(process.pid)!)) return;
  if (folder.cancelWanted() || toldToStop) {
    return folder.recordEnd(folder.cancelWanted() ? { state: 'cancelled' } : { state: 'disrupted' });
  }
  running.stop = runProgram(folder, plan);
}

/** Starts the program. @returns how to stop it, and as what it then ends */
function runProgram(folder: RunFolder, plan: RunPlan): (outcome: RunOutcome) => void {
  let program: ChildProcess;
  try {
    mkdirSync(plan.cwd, { recursive: true });
    const outputs = (['stdout', 'stderr'] as const).map((stream) => openSync(folder.output(stream), 'a', 0o600));
    program = spawn(plan.command, plan.args, {
      cwd: plan.cwd,
      env: { ...plan.env, [MARK_NAME]: plan.mark },
      // A session, and so a process group, of its own.
      detached: true,
      stdio: ['ignore', ...outputs],
    });
    outputs.forEach(closeSync);
  } catch (thrown) {
    folder.recordEnd(notStarted(plan, thrown as Error));
    return () => undefined;
  }
  const identity = program.pid === undefined ? undefined : identify(program.pid);
  if (identity) folder.recordProgram(identity);

  let stoppedAs: RunOutcome | undefined;
  let kill: NodeJS.Timeout | undefined;
  const stop = (outcome: RunOutcome) => {
    if (stoppedAs) return;
    stoppedAs = outcome;
    signalRun(plan.mark, identity, 'SIGTERM');
    kill = setTimeout(() => signalRun(plan.mark, identity, 'SIGKILL'), plan.graceMs);
  };
  const fail = (reason: string) => stop({ state: 'failed', exitCode: null, signal: 'SIGTERM', reason });

  const timeoutMs = plan.timeoutS === undefined ? undefined : Math.min(plan.timeoutS * 1000, TIMEOUT_MAX_MS);
  const timeout =
    timeoutMs && setTimeout(() => fail(`It took longer than its time limit of ${plan.timeoutS} s.`), timeoutMs);
  const outputCheck = setInterval(() => {
    const printed = statSync(folder.output('stdout')).size + statSync(folder.output('stderr')).size;
    if (printed > plan.maxOutputBytes) fail(`It printed more than the limit of ${plan.maxOutputBytes} bytes.`);
  }, OUTPUT_CHECK_MS);

  const finish = (outcome: RunOutcome) => {
    clearTimeout(timeout);
    clearTimeout(kill);
    clearInterval(outputCheck);
    // Children that the program left behind go with it, as in a container.
    if (program.pid !== undefined) signalGroup(program.pid, 'SIGKILL');
    signalRun(plan.mark, undefined, 'SIGKILL');
    folder.recordEnd(outcome);
  };
  program.once('error', (error) => {
    if (program.pid === undefined) finish(notStarted(plan, error));
  });
  program.once('exit', (exitCode, signal) => finish(stoppedAs ?? outcomeOf(exitCode, signal)));
  return stop;
}

function outcomeOf(exitCode: number | null, signal: string | null): RunOutcome {
  if (exitCode === 0) return { state: 'succeeded' };
  const reason = signal === null ? `It ended with exit code ${exitCode}.` : `It was ended by ${signal}.`;
  return { state: 'failed', exitCode, signal, reason };
}

function notStarted(plan: RunPlan, error: Error): RunOutcome {
  return {
    state: 'failed',
    exitCode: null,
    signal: null,
    reason: `${plan.command} could not be started: ${error.message}.`,
  };
}

supervise(openRunFolder(process.argv[2]!));
