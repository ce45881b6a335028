// The worker process: loads one model, then answers runs one after the other. Started by worker-process.ts.
import * as ort from 'onnxruntime-node';
import type { FromWorker, LoadMessage, RunMessage, ToWorker } from './protocol.js';
import type { Tensor, TensorData } from './tensor.js';

let session: ort.InferenceSession | undefined;

function answer(message: FromWorker): void {
  process.send?.(message);
}

async function load(message: LoadMessage): Promise<void> {
  try {
    session = await ort.InferenceSession.create(message.modelPath, {
      executionProviders: [message.executionProvider],
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      intraOpNumThreads: message.threads,
      interOpNumThreads: 1,
      // Idle threads that spin take the processor from ffmpeg, which decodes meanwhile.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
      logSeverityLevel: 3,
    });
    answer({ kind: 'loaded', inputNames: [...session.inputNames], outputNames: [...session.outputNames] });
  } catch (error) {
    answer({ kind: 'load-failed', message: error instanceof Error ? error.message : String(error) });
  }
}

async function run(message: RunMessage): Promise<void> {
  try {
    if (session === undefined) throw new Error('The model is not loaded.');
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, { dtype, data, dims }] of Object.entries(message.inputs)) {
      const wide = dtype === 'float32' && data instanceof Uint8Array ? new Float32Array(data) : data;
      feeds[name] = new ort.Tensor(dtype, wide as Float32Array, dims);
    }
    const startMs = performance.now();
    const results = await session.run(feeds, message.outputs);
    const runS = (performance.now() - startMs) / 1000;
    const outputs: Record<string, Tensor> = {};
    for (const [name, { dims, data }] of Object.entries(results)) outputs[name] = { dims: [...dims], data: data as TensorData };
    answer({ kind: 'done', id: message.id, outputs, runS });
  } catch (error) {
    answer({ kind: 'run-failed', id: message.id, message: error instanceof Error ? error.message : String(error) });
  }
}

process.on('message', (message: ToWorker) => void (message.kind === 'load' ? load(message) : run(message)));
// Ctrl-C reaches the whole process group; the service decides when its workers end, by closing the channel.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(0));
