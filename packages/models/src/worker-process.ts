import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SoundstageError } from '@soundstage/core';
import type { FromWorker, LoadMessage, RunMessage } from './protocol.js';
import type { Tensor } from './tensor.js';

const WORKER_MAIN = fileURLToPath(new URL('./worker-main.js', import.meta.url));
const LOAD_TIME_LIMIT_MS = 120_000;

/** A loaded model in a process of its own. */
export interface WorkerProcess {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly pid: number;
  /** Runs the model once. One call at a time. Throws SoundstageError; UNAVAILABLE where the process ended. */
  run(inputs: RunMessage['inputs'], outputs: string[]): Promise<{ outputs: Record<string, Tensor>; runS: number }>;
  /** Whether the process can take another run. */
  alive(): boolean;
  /** Ends the process now, in the middle of a run too. */
  kill(): Promise<void>;
}

/**
 * Starts a process and loads the model in it.
 *
 * A process, not a worker thread: onnxruntime-node 1.30 aborts its whole process when a thread, or the process
 * itself, ends in the middle of a run ("terminate called after throwing an instance of 'Napi::Error'"), a native run
 * can't be interrupted in any other way, and released sessions leak. A process is killed at once, gives all memory
 * back, and takes nobody with it when native code crashes.
 *
 * Throws SoundstageError UNAVAILABLE when the model can't be loaded with this execution provider.
 */
export async function startWorkerProcess(options: Omit<LoadMessage, 'kind'>, label: string): Promise<WorkerProcess> {
  const child = fork(WORKER_MAIN, [], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // onnxruntime 1.30 reports to its maker over HTTPS, on Linux too, and leaves mat-debug-*.log in the temporary folder.
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  });
  const mailbox = receive(child, label);
  const timer = setTimeout(() => child.kill('SIGKILL'), LOAD_TIME_LIMIT_MS);
  try {
    child.send({ kind: 'load', ...options });
    const loaded = await mailbox.next();
    if (loaded.kind === 'load-failed') {
      throw new SoundstageError(
        'UNAVAILABLE',
        `Model ${label} can't be loaded on the execution provider '${options.executionProvider}': ${loaded.message}`,
        { retryable: false },
      );
    }
    if (loaded.kind !== 'loaded') throw new SoundstageError('INTERNAL', `Model ${label} answered out of turn.`);
    rest(child);
    return workerOf(child, mailbox, loaded, label);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function workerOf(child: ChildProcess, mailbox: Mailbox, loaded: FromWorker & { kind: 'loaded' }, label: string): WorkerProcess {
  let lastId = 0;
  return {
    inputNames: loaded.inputNames,
    outputNames: loaded.outputNames,
    pid: child.pid!,
    alive: () => mailbox.ended() === undefined,
    async run(inputs, outputs) {
      const id = ++lastId;
      wake(child);
      try {
        const answered = mailbox.next();
        if (mailbox.ended() === undefined) child.send({ kind: 'run', id, inputs, outputs } satisfies RunMessage, () => undefined);
        const message = await answered;
        if (message.kind === 'done' && message.id === id) return { outputs: message.outputs, runS: message.runS };
        const why = message.kind === 'run-failed' ? message.message : 'it answered out of turn';
        throw new SoundstageError('INTERNAL', `Model ${label} failed to run: ${why}`, { retryable: false });
      } finally {
        rest(child);
      }
    },
    async kill() {
      mailbox.end('it was stopped'); // from now on, before the process is gone, nobody hands it a run
      if (child.exitCode !== null || child.signalCode !== null) return;
      wake(child);
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

interface Mailbox {
  /** The next message; rejects once the process has ended. */
  next(): Promise<FromWorker>;
  end(why: string): void;
  ended(): SoundstageError | undefined;
}

function receive(child: ChildProcess, label: string): Mailbox {
  let waiting: PromiseWithResolvers<FromWorker> | undefined;
  let ended: SoundstageError | undefined;
  let lastWords = '';
  const end = (why: string): void => {
    ended ??= new SoundstageError('UNAVAILABLE', `The process of model ${label} ended (${why}): try again.${lastWords}`);
    waiting?.reject(ended);
    waiting = undefined;
  };
  child.stderr?.on('data', (text: Buffer) => (lastWords = ` It said: ${text.toString('utf8').trim().slice(-300)}`));
  child.on('message', (message) => {
    const taker = waiting;
    waiting = undefined;
    taker?.resolve(message as FromWorker);
  });
  child.on('error', (error) => end(error.message));
  child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  return {
    next() {
      if (ended !== undefined) return Promise.reject(ended);
      waiting = Promise.withResolvers<FromWorker>();
      return waiting.promise;
    },
    end,
    ended: () => ended,
  };
}

/** An idle worker keeps nobody's process alive; a running one does. */
function rest(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
  (child.stderr as { unref?: () => void } | null)?.unref?.();
}

function wake(child: ChildProcess): void {
  child.ref();
  child.channel?.ref();
}
