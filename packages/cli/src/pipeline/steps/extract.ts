import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import {
  ClipFeatures,
  FeatureExtractionSpec,
  FeatureExtractorServiceService,
  JobState,
  ObjectRef,
  SplitResult,
  type FeatureFile,
} from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { ask, isRefusal } from '../../connect/ask.js';
import type { Connection } from '../../connect/connect.js';
import { each } from '../../connect/each.js';
import { putText } from '../../connect/put-text.js';
import { FEATURES, type ExtractStep } from '../recipe.js';
import type { Refused, Step, StepOutcome, StepTools } from '../step.js';
import type { Divided } from './split.js';

/** Where the features lie: JSON Lines, one ClipFeatures a line; absent where none is wanted. */
export interface Extracted {
  /** In protobuf's JSON form. */
  features?: unknown;
}

/** What is read of a line of a dataset's manifest. */
interface ManifestClip {
  id: string;
  key: string;
  sha256: string;
  size_bytes: number;
  media_type: string;
  source_id: string;
  label: string;
  video?: ManifestFile;
  audio?: ManifestFile;
}
type ManifestFile = Pick<ManifestClip, 'key' | 'sha256' | 'size_bytes' | 'media_type'>;

/** Extracts features of all clips of a dataset: of what the preprocessor made, where it made something. */
export function extractStep(groups: readonly ExtractStep[], divided: Divided): Step<Extracted> {
  const names = groups.flatMap(({ features }) => features);
  return {
    name: 'extract',
    title: `extract ${names.join(', ')}`,
    idle: names.length === 0,
    inputs: { groups, version: divided.version },
    work: (tools) => extractAll(groups, divided, tools),
  };
}

async function extractAll(
  groups: readonly ExtractStep[],
  divided: Divided,
  tools: StepTools,
): Promise<StepOutcome<Extracted>> {
  if (groups.length === 0) return { value: {}, done: 0, cached: 0, refused: [] };
  const { inFlight, signal, progress } = tools;
  const connection = await tools.connection();
  const clips = await manifestClips(connection, divided, signal);
  const pieces = clips.flatMap((clip) => groups.map((group) => ({ clip, group })));
  const files = new Map<string, FeatureFile[]>(clips.map(({ id }) => [id, []]));
  const refused = new Map<string, Refused>();
  const count = { done: 0, cached: 0 };
  const tell = () => progress({ done: count.done, total: pieces.length, refused: refused.size });
  tell();
  await each(pieces, { inFlight, signal }, async ({ clip, group }) => {
    const { before, ...ending } = await extractOne(clip, group, tools);
    if (ending.files) files.get(clip.id)!.push(...ending.files);
    if (ending.refused) refused.set(clip.id, ending.refused);
    count.done++;
    if (before) count.cached++;
    tell();
  });
  // A clip with a part of its features would fail whoever trains on it.
  const whole = clips.filter(({ id }) => !refused.has(id));
  if (whole.length === 0) {
    const [first] = refused.values();
    throw new SoundstageError('BAD_INPUT', `No clip has these features (${first?.id}: ${first?.message}).`);
  }
  const lines = whole.map(({ id, sha256 }) => {
    const own = files.get(id)!.toSorted((a, b) => a.feature - b.feature);
    return `${JSON.stringify(ClipFeatures.toJSON({ clipSha256: sha256, clipId: id, files: own }))}\n`;
  });
  const features = await putText(connection, lines.join(''), 'application/jsonl', signal);
  return {
    value: { features: ObjectRef.toJSON(features) },
    done: whole.length,
    cached: Math.floor(count.cached / groups.length),
    refused: [...refused.values()],
  };
}

/** The clips of a version, each once; a clip of two labels stands in the manifest twice. */
async function manifestClips(
  connection: Connection,
  { result }: Divided,
  signal: AbortSignal | undefined,
): Promise<ManifestClip[]> {
  const { manifest } = SplitResult.fromJSON(result);
  const clips = new Map<string, ManifestClip>();
  const text = Readable.from(connection.download(manifest!.key, signal));
  for await (const line of createInterface({ input: text, crlfDelay: Infinity })) {
    if (line === '') continue;
    const clip = JSON.parse(line) as ManifestClip;
    clips.set(clip.id, clip);
  }
  return [...clips.values()];
}

const refOf = ({ key, sha256, size_bytes: size, media_type: mediaType }: ManifestFile): ObjectRef => ({
  key,
  sha256,
  sizeBytes: BigInt(size),
  mediaType,
});

async function extractOne(
  clip: ManifestClip,
  group: ExtractStep,
  tools: StepTools,
): Promise<{ before: boolean; files?: FeatureFile[]; refused?: Refused }> {
  const connection = await tools.connection();
  const spec = FeatureExtractionSpec.fromPartial({
    clip: refOf(clip.video ?? clip),
    ...(clip.audio && { sound: refOf(clip.audio) }),
    features: group.features.map((name) => FEATURES.get(name)!),
    frameRate: group.frame_rate,
  });
  const { job, before } = await ask(
    connection,
    {
      kind: 'featureExtraction',
      spec: FeatureExtractionSpec.toJSON(spec),
      create: async (requestId) => {
        const request = { requestId, spec };
        const method = FeatureExtractorServiceService.createFeatureExtraction;
        return (await connection.call(method, request, tools.signal)).job;
      },
    },
    tools,
  );
  if (isRefusal(job)) {
    const reason = job.error?.reason === 'BAD_INPUT' ? 'no_features' : 'failed';
    const { id, source_id: sourceId, label } = clip;
    return { before, refused: { id, sourceId, label, reason, message: job.error?.message ?? '' } };
  }
  if (job.state !== JobState.SUCCEEDED || job.result?.$case !== 'featureExtraction') {
    const why = job.error?.message ?? 'it was cancelled';
    throw new SoundstageError('UNAVAILABLE', `Features of ${clip.id} could not be extracted now: ${why}`);
  }
  return { before, files: job.result.value.files };
}
