import { basename } from 'node:path';
import {
  FoleyEngine,
  FoleyQuality,
  FoleySpec,
  InferenceServiceService,
  ObjectRef,
  type FoleyCandidate as ServiceCandidate,
  type FoleyResult,
} from '@soundstage/contracts';
import { sha256, SoundstageError } from '@soundstage/core';
import { readCues } from '@soundstage/cues';
import type { Engine, FoleyCandidate, FoleyMade, FoleyRequest } from '@soundstage/inference';
import { hashFile, mediaTypeByName } from '../collect/local-files.js';
import type { Connection } from '../connect/connect.js';
import { fetchFile, fetchText } from '../connect/fetch-object.js';
import { openInferenceJobs } from '../connect/inference-jobs.js';
import { putText } from '../connect/put-text.js';
import type { FoleyMaker } from './foley-maker.js';
import { DEFAULT_SEED, type FoleyOptions } from './options.js';

/**
 * The foley job of a service that runs elsewhere. A file goes there, its results come back; asked twice for the same,
 * also by a command that was killed, the service does it once.
 *
 * @throws BAD_INPUT for a wrong address; UNAVAILABLE where nobody answers
 */
export async function openFoleyThere(server: string): Promise<FoleyMaker> {
  const { connection, version, run } = await openInferenceJobs(server);
  return {
    versionOf: () => version,
    check: (options) => checkThere(connection, options),
    async run(request) {
      const { signal, onProgress } = request;
      const spec = await specOf(connection, request);
      const create = async (requestId: string) =>
        (await connection.call(InferenceServiceService.createFoley, { requestId, spec }, signal)).job;
      const { result } = await run(
        { kind: 'foley', spec: FoleySpec.toJSON(spec), create },
        { signal, onProgress: onProgress as ((step: string, fraction: number, message: string) => void) | undefined },
      );
      if (result?.$case !== 'foley') throw new SoundstageError('INTERNAL', 'The service answered another job.');
      return madeBy(connection, result.value, request);
    },
    close: () => connection.close(),
  };
}

const engineOf = (engine: Engine | undefined): FoleyEngine =>
  engine === 'regnet' ? FoleyEngine.REGNET : FoleyEngine.PALETTE;

/**
 * Lets the service judge the options, by asking for a job of a video that isn't there: what it says of anything but
 * that video concerns every input.
 */
async function checkThere(connection: Connection, { engine, sound, mute, duration }: FoleyOptions): Promise<void> {
  const none = sha256('soundstage: no video');
  const video = ObjectRef.fromPartial({ key: `media/${none}`, sha256: none, sizeBytes: 1n, mediaType: 'video/mp4' });
  const spec = FoleySpec.fromPartial({
    video,
    engine: engineOf(engine),
    sound: sound ?? '',
    mute: mute ?? [],
    stillDurationS: duration ?? 0,
  });
  try {
    await connection.call(InferenceServiceService.createFoley, { requestId: '', spec });
  } catch (thrown) {
    const error = SoundstageError.from(thrown);
    const isOfVideo = error.violations.some(({ field }) => field.includes('video')) || error.message.includes(none);
    if (!isOfVideo) throw error;
  }
}

async function specOf(connection: Connection, request: FoleyRequest): Promise<FoleySpec> {
  const { inputPath, cues, seed, signal, outputPaths } = request;
  const hash = await hashFile(inputPath, signal);
  const mediaType = mediaTypeByName(inputPath);
  const video = await connection.put({ path: inputPath, sha256: hash, mediaType }, signal);
  return FoleySpec.fromPartial({
    video,
    sound: request.sound ?? '',
    keepOriginal: request.keepOriginal ?? false,
    // An edited sheet keeps its own.
    seed: BigInt(seed ?? (cues ? 0 : DEFAULT_SEED)),
    fileName: basename(inputPath),
    ...(cues && { cues: await putText(connection, cues.text, 'application/json', signal) }),
    mute: [...(request.mute ?? [])],
    quality: request.quality === 'draft' ? FoleyQuality.DRAFT : FoleyQuality.STANDARD,
    candidates: outputPaths?.length ?? request.candidates ?? 1,
    onlyCues: outputPaths === undefined,
    stillDurationS: request.stillDurationS ?? 0,
    engine: engineOf(request.engine),
  });
}

async function madeBy(
  connection: Connection,
  result: FoleyResult,
  { engine = 'palette', outputPaths, signal }: FoleyRequest,
): Promise<FoleyMade> {
  const candidates: FoleyCandidate[] = [];
  for (const [index, candidate] of result.candidates.entries())
    candidates.push(await fetchCandidate(connection, candidate, outputPaths?.[index], signal));
  const { classes, timingTrust, warnings, durationS, models } = result;
  const timings = Object.fromEntries(result.timings.map(({ step, seconds }) => [`${step}_s`, seconds]));
  return {
    engine,
    models: models.map(({ name, version }) => ({ name, version })),
    durationS,
    classes,
    timingTrust,
    candidates,
    timings: timings as unknown as FoleyMade['timings'],
    warnings,
  };
}

async function fetchCandidate(
  connection: Connection,
  { seed, video, cues, sounds, loudnessLufs, truePeakDbtp }: ServiceCandidate,
  output: string | undefined,
  signal: AbortSignal | undefined,
): Promise<FoleyCandidate> {
  const sheet = cues && readCues(await fetchText(connection, cues, signal), { name: 'The cue sheet' });
  if (output !== undefined) {
    if (video === undefined) throw new SoundstageError('INTERNAL', 'The service made no video.');
    await fetchFile(connection, video, output, signal);
  }
  const heard = output === undefined ? undefined : { loudnessLufs, truePeakDbtp };
  return {
    seed: Number(seed),
    sheet,
    sounds,
    output,
    loudnessLufs: heard?.loudnessLufs,
    truePeakDbtp: heard?.truePeakDbtp,
  };
}
