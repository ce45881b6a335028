import { SoundstageError, throwIfAborted } from '@soundstage/core';
import { readCard, verifiedModelPath, type ModelCard } from './card.js';
import { findModelFolder } from './list-models.js';
import { checkInputs, checkOutputs, wantedOutputs } from './shapes.js';
import { dtypeOf, type Tensor } from './tensor.js';
import { startWorkerProcess, type WorkerProcess } from './worker-process.js';

export type ExecutionProvider = 'cpu' | 'cuda';

export interface OpenModelOptions {
  /** The folder that holds `<name>/<version>/{model.onnx, card.json}`; without a name, the folder of one version itself. */
  folder: string;
  name?: string;
  /** Default: the highest. */
  version?: string;
  /** Threads within an operator. Operators run one after the other. */
  threads: number;
  executionProvider: ExecutionProvider;
  signal?: AbortSignal;
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** Names of the outputs that are wanted; the others are not carried over from the worker. Default: all. */
  outputs?: readonly string[] | undefined;
}

/** A model that is loaded and was seen to run. */
export interface OpenModel {
  readonly card: ModelCard;
  /** The folder of this version, where files like labels.json lie. */
  readonly folder: string;
  readonly executionProvider: ExecutionProvider;
  /**
   * Runs the model; runs of one model queue up. Throws SoundstageError: BAD_INPUT (the inputs are not what the card
   * says), CANCELLED (at once, and the process that was running it is ended), UNAVAILABLE and retryable (the process
   * crashed; the next run gets a fresh one), INTERNAL (the model failed or gave NaN).
   */
  run(inputs: Readonly<Record<string, Tensor>>, options?: RunOptions): Promise<Record<string, Tensor>>;
  /** Seconds spent inside the model so far. */
  busyS(): number;
  /** The process that holds the model now, or undefined before it is started anew. */
  pid(): number | undefined;
  /** Ends the process; runs that wait are refused. */
  close(): Promise<void>;
}

/**
 * Opens a model by its card: checks its hash, loads it in a process of its own and runs it once (by `warm_up` sizes of
 * the card, else 2 for each named size) to see that this execution provider really works. There is no silent fall-back
 * to another.
 *
 * Throws SoundstageError: NOT_FOUND, BAD_INPUT (bad card, other hash), UNAVAILABLE (can't be loaded or run here).
 */
export async function openModel(options: OpenModelOptions): Promise<OpenModel> {
  throwIfAborted(options.signal);
  const folder = await findModelFolder(options.folder, options.name, options.version);
  const card = await readCard(folder);
  const label = `${card.name}/${card.version}`;
  const modelPath = await verifiedModelPath(folder, card);
  const { threads, executionProvider } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new SoundstageError('BAD_INPUT', `Model ${label} was given ${threads} threads: give a whole number from 1.`);
  }

  let closed = false;
  let busyS = 0;
  let worker: WorkerProcess | undefined;
  let starting: Promise<WorkerProcess> | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const ready = async (): Promise<WorkerProcess> => {
    if (worker?.alive()) return worker;
    starting ??= startWorkerProcess({ modelPath, executionProvider, threads }, label).finally(() => (starting = undefined));
    worker = await starting;
    return worker;
  };

  const runNow = async (
    inputs: Readonly<Record<string, Tensor>>,
    wanted: ModelCard['outputs'],
    signal: AbortSignal | undefined,
  ) => {
    if (closed) throw new SoundstageError('UNAVAILABLE', `Model ${label} is closed.`);
    throwIfAborted(signal);
    const process = await ready();
    throwIfAborted(signal);
    const cancelled = Promise.withResolvers<never>();
    const cancel = (): void => {
      // Nothing else stops native code; whoever waits behind gets a fresh process.
      void process.kill();
      cancelled.reject(SoundstageError.from(signal?.reason));
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const typed = Object.fromEntries(
        card.inputs.map(({ name, dtype }) => [name, { dims: [...inputs[name]!.dims], data: inputs[name]!.data, dtype }]),
      );
      const result = await Promise.race([process.run(typed, wanted.map(({ name }) => name)), cancelled.promise]);
      busyS += result.runS;
      return result.outputs;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  };

  const model: OpenModel = {
    card,
    folder,
    executionProvider,
    async run(inputs, { signal, outputs: names } = {}) {
      throwIfAborted(signal);
      const sizes = checkInputs(card, inputs);
      const wanted = wantedOutputs(card, names);
      const mine = turn.then(() => runNow(inputs, wanted, signal));
      turn = mine.catch(() => undefined);
      const outputs = await unlessAborted(mine, signal);
      checkOutputs(card, wanted, outputs, sizes);
      return outputs;
    },
    busyS: () => busyS,
    pid: () => (worker?.alive() ? worker.pid : undefined),
    async close() {
      closed = true;
      await (await starting?.catch(() => undefined))?.kill();
      await worker?.kill();
    },
  };
  try {
    checkNames(card, await ready());
    await unlessAborted(model.run(warmUpInputs(card), { signal: options.signal }), options.signal);
    busyS = 0;
  } catch (error) {
    await model.close();
    const cause = SoundstageError.from(error);
    if (cause.reason === 'CANCELLED' || cause.reason === 'UNAVAILABLE') throw cause;
    throw new SoundstageError('UNAVAILABLE', `Model ${label} failed its self-test on '${executionProvider}': ${cause.message}`, {
      cause,
      retryable: false,
    });
  }
  return model;
}

/** Rejects at once when the signal fires, also for a run that is still waiting for its turn. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(SoundstageError.from(signal.reason));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function checkNames(card: ModelCard, worker: WorkerProcess): void {
  const names = (list: readonly { name: string }[]): string => list.map(({ name }) => name).sort().join(', ');
  const graphInputs = [...worker.inputNames].sort().join(', ');
  if (graphInputs !== names(card.inputs) || !card.outputs.every(({ name }) => worker.outputNames.includes(name))) {
    throw new SoundstageError(
      'INTERNAL',
      `the card names ${names(card.inputs)} → ${names(card.outputs)}, the graph ${graphInputs} → ${worker.outputNames.join(', ')}`,
    );
  }
}

/** Zeros in the smallest useful shape; a vector in seconds rises, since models divide by time differences. */
function warmUpInputs(card: ModelCard): Record<string, Tensor> {
  const sizes = (card['warm_up'] ?? {}) as Record<string, number>;
  return Object.fromEntries(
    card.inputs.map((input) => {
      const dims = input.shape.map((side) => (typeof side === 'number' ? side : (sizes[side] ?? 2)));
      const count = dims.reduce((product, side) => product * side, 1);
      const data =
        input.dtype === 'float64' ? new Float64Array(count)
        : input.dtype === 'int32' ? new Int32Array(count)
        : input.dtype === 'int64' ? new BigInt64Array(count)
        : input.dtype === 'uint8' ? new Uint8Array(count)
        : new Float32Array(count);
      if (/_s$/.test(input.name) && dtypeOf(data) === 'float32') data.forEach((_, index) => (data[index] = index / 25));
      return [input.name, { dims, data }];
    }),
  );
}
