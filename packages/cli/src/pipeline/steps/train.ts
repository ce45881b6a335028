import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import {
  ClipFeatures,
  JobState,
  ObjectRef,
  Parameter,
  SplitResult,
  TrainerLauncherServiceService as Launcher,
  TrainingResult,
  TrainingSpec,
} from '@soundstage/contracts';
import { badInput, SoundstageError } from '@soundstage/core';
import { ask, isRefusal } from '../../connect/ask.js';
import type { Connection } from '../../connect/connect.js';
import { putText } from '../../connect/put-text.js';
import { runInWords } from '../../models/show.js';
import { FEATURES, type TrainStep } from '../recipe.js';
import type { Step, StepTools } from '../step.js';
import type { Extracted } from './extract.js';
import type { Divided } from './split.js';

/** A model that a run has made. */
export interface Trained {
  recipe: string;
  runId: string;
  /** In protobuf's JSON form. */
  result: unknown;
}

/** Trains one model on the training clips of a dataset. */
export function trainStep(step: TrainStep, divided: Divided, extracted: Extracted): Step<Trained> {
  return {
    name: 'train',
    title: `train ${step.recipe}`,
    inputs: { step, version: divided.version, extracted },
    async work(tools) {
      const connection = await tools.connection();
      tools.progress({ done: 0, total: 1, refused: 0 });
      const { manifest } = SplitResult.fromJSON(divided.result);
      const features = await featuresFor(connection, step, extracted, tools.signal);
      const spec = TrainingSpec.fromPartial({
        recipe: step.recipe,
        dataset: { $case: 'manifest', value: manifest! },
        seed: BigInt(step.seed),
        parameters: Object.entries(step.parameters).map(([name, value]) => toParameter(name, value)),
        ...(features && { features }),
      });
      const { run, before } = await launch(connection, step, spec, tools);
      const { modelName, modelVersion } = run.result;
      const message = modelName ? `${modelName} version ${modelVersion}` : '';
      tools.progress({ done: 1, total: 1, refused: 0, message });
      const value = { recipe: step.recipe, runId: run.id, result: TrainingResult.toJSON(run.result) };
      return { value, done: 1, cached: before ? 1 : 0, refused: [] };
    },
  };
}

function toParameter(name: string, value: number | string | boolean): Parameter {
  if (typeof value === 'number') return Parameter.fromPartial({ name, value: { $case: 'number', value } });
  if (typeof value === 'boolean') return Parameter.fromPartial({ name, value: { $case: 'flag', value } });
  return Parameter.fromPartial({ name, value: { $case: 'text', value } });
}

/** The list of features with those alone that the recipe asks for. */
async function featuresFor(
  connection: Connection,
  { features: names }: TrainStep,
  extracted: Extracted,
  signal: AbortSignal | undefined,
): Promise<ObjectRef | undefined> {
  if (extracted.features === undefined) return undefined;
  const all = ObjectRef.fromJSON(extracted.features);
  if (names === undefined) return all;
  const wanted = new Set(names.map((name) => FEATURES.get(name)!));
  const lines: string[] = [];
  const text = Readable.from(connection.download(all.key, signal));
  for await (const line of createInterface({ input: text, crlfDelay: Infinity })) {
    if (line === '') continue;
    const clip = ClipFeatures.fromJSON(JSON.parse(line));
    clip.files = clip.files.filter(({ feature }) => wanted.has(feature));
    lines.push(`${JSON.stringify(ClipFeatures.toJSON(clip))}\n`);
  }
  return putText(connection, lines.join(''), 'application/jsonl', signal);
}

async function launch(
  connection: Connection,
  { recipe }: TrainStep,
  spec: TrainingSpec,
  tools: StepTools,
): Promise<{ run: { id: string; result: TrainingResult }; before: boolean }> {
  const showing = new AbortController();
  let shown: Promise<void> | undefined;
  try {
    const { job, before } = await ask(
      connection,
      {
        kind: 'training',
        spec: TrainingSpec.toJSON(spec),
        create: async (requestId) => {
          const { run } = await connection.call(Launcher.launchTraining, { requestId, spec }, tools.signal);
          if (run && run.job?.state !== JobState.SUCCEEDED)
            shown ??= showRun(connection, run.id, tools, showing.signal);
          return run?.job;
        },
      },
      tools,
    );
    const why = job.error?.message ?? 'it was cancelled';
    const told = `The training of ${recipe} (run ${job.id}) failed: ${why} \`soundstage runs show ${job.id}\` tells more.`;
    if (isRefusal(job)) {
      throw job.error?.reason === 'BAD_INPUT' ? badInput(told, 'train') : new SoundstageError('INTERNAL', told);
    }
    if (job.state !== JobState.SUCCEEDED || job.result?.$case !== 'training')
      throw new SoundstageError('UNAVAILABLE', told);
    return { run: { id: job.id, result: job.result.value }, before };
  } finally {
    showing.abort();
    await shown;
  }
}

/** Shows how far a run is, with the last values of its curves, until `signal` ends it. */
async function showRun(connection: Connection, runId: string, tools: StepTools, signal: AbortSignal): Promise<void> {
  try {
    for await (const { run } of connection.stream(Launcher.watchRun, { runId }, signal)) {
      if (run) tools.progress({ done: run.job?.fraction ?? 0, total: 1, refused: 0, message: runInWords(run) });
    }
  } catch {
    // The job is followed on its own; this was only for the eye.
  }
}
