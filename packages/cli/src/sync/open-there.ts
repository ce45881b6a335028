import { rm } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { InferenceServiceService, SyncSpec, type SyncResult } from '@soundstage/contracts';
import { badInput, SoundstageError } from '@soundstage/core';
import { examine, syncPage, type SyncMade, type SyncRequest } from '@soundstage/inference';
import type { SyncMeasurement } from '@soundstage/sync';
import { hashFile, mediaTypeByName } from '../collect/local-files.js';
import type { Connection } from '../connect/connect.js';
import { fetchFile, fetchText } from '../connect/fetch-object.js';
import { openInferenceJobs } from '../connect/inference-jobs.js';
import { writeWhole } from '../write-whole.js';
import type { SyncMaker } from './sync-maker.js';

/**
 * The sync job of a service that runs elsewhere. A film goes there; the measurements come back, and the repaired film.
 * The page about it is made here, where the films lie that it plays.
 *
 * @throws BAD_INPUT for a wrong address; NOT_FOUND where it has no models for it; UNAVAILABLE where nobody answers
 */
export async function openSyncThere(server: string): Promise<SyncMaker> {
  const { connection, version, models, run } = await openInferenceJobs(server);
  if (!models.has('sync')) {
    await connection.close();
    throw new SoundstageError('NOT_FOUND', `The service at ${server} has no models for sync: promote one there.`);
  }
  return {
    version,
    async run(request) {
      const { signal, onProgress } = request;
      const spec = await specOf(connection, request);
      const create = async (requestId: string) =>
        (await connection.call(InferenceServiceService.createSync, { requestId, spec }, signal)).job;
      const { result } = await run(
        { kind: 'sync', spec: SyncSpec.toJSON(spec), create },
        { signal, onProgress: onProgress as ((step: string, fraction: number, message: string) => void) | undefined },
      );
      if (result?.$case !== 'sync') throw new SoundstageError('INTERNAL', 'The service answered another job.');
      return madeBy(connection, result.value, request);
    },
    close: () => connection.close(),
  };
}

async function specOf(connection: Connection, request: SyncRequest): Promise<SyncSpec> {
  const { inputPath, outputPath, title, rangeS = 0, signal } = request;
  const hash = await hashFile(inputPath, signal);
  const mediaType = mediaTypeByName(inputPath);
  const video = await connection.put({ path: inputPath, sha256: hash, mediaType }, signal);
  return SyncSpec.fromPartial({
    video,
    fileName: title ?? basename(inputPath),
    rangeS,
    measureOnly: outputPath === undefined,
  });
}

async function madeBy(connection: Connection, result: SyncResult, request: SyncRequest): Promise<SyncMade> {
  const { outputPath, reportPath, signal } = request;
  const { video, durationS, warnings, whatWasDone } = result;
  if (result.evidence === undefined) throw new SoundstageError('INTERNAL', 'The service told no measurement.');
  const { before, after } = readEvidence(await fetchText(connection, result.evidence, signal));
  const output = video === undefined ? undefined : outputPath;
  if (video !== undefined && output !== undefined) {
    const made = extname(video.key).toLowerCase();
    if (made !== extname(output).toLowerCase())
      throw badInput(`The service makes a ${made} of it: choose a name that ends so with -o.`, 'output');
    await fetchFile(connection, video, output, signal);
  }
  try {
    if (reportPath !== undefined) {
      const info = await examine(request.inputPath, signal);
      const kept = output !== undefined;
      await writeWhole(reportPath, await syncPage({ ...request, reportPath, info, before, after, kept }));
    }
  } catch (error) {
    if (output !== undefined) await rm(output, { force: true });
    throw error;
  }
  const timings = Object.fromEntries(result.timings.map(({ step, seconds }) => [`${step}_s`, seconds]));
  return {
    durationS,
    before,
    after,
    repaired: output !== undefined,
    outputPath: output,
    reportPath,
    whatWasDone,
    timings: timings as SyncMade['timings'],
    warnings,
    models: result.models.map(({ name, version }) => ({ name, version })),
  };
}

/** Reads what the service measured. @throws INTERNAL for what isn't that */
function readEvidence(text: string): { before: SyncMeasurement; after: SyncMeasurement | undefined } {
  const { format, version, before, after } = JSON.parse(text) as Record<string, unknown>;
  if (format !== 'soundstage-sync' || version !== 1 || before === undefined)
    throw new SoundstageError('INTERNAL', 'The service told a measurement in a form of another release.');
  return { before: before as SyncMeasurement, after: after as SyncMeasurement | undefined };
}
