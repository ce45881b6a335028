import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CollectionResult, CollectionSpec, PreprocessingSpec, type NearDuplicate } from '@soundstage/contracts';
import {
  badInput,
  checkPreprocessing,
  checkReference,
  readJson,
  SoundstageError,
  storeMedia,
  writeJson,
  type ObjectStore,
  type Platform,
  type Stage,
  type WorkContext,
} from '@soundstage/core';
import { decodeAudio, probeStored, type MediaInfo } from '@soundstage/media';
import { checkRelativePath } from './collect-folder.js';
import type { CollectorConfig } from './config.js';
import { isPart, LONGEST_PART_S } from './download/downloader.js';
import { describeSource, fetchClip, folderOf, type KnownSource, type Sources } from './fetch-clip.js';
import { readUrl } from './fetch/check-url.js';
import { fingerprintOf, LONGEST_S, SAMPLE_RATE_HZ, type Fingerprint } from './fingerprint/fingerprint.js';
import { findNear, indexFingerprint } from './fingerprint/near-duplicates.js';
import { notePause } from './host-pause.js';
import { noteSource, type SourceRecord } from './ledger.js';
import { mediaTypeOf } from './media-type.js';
import { refusalOf } from './refusal.js';

/** Written once for each content, as `collected/<sha256>.json`: where a clip came from. */
export interface Lineage {
  key: string;
  sha256: string;
  sizeBytes: number;
  mediaType: string;
  sourceId: string;
  label: string;
  datasetSplit: string;
  licence: string;
  /** `upload:<key>`, `file:<path in the collector's folder>`, `url:<address>` or `youtube:<id>`. */
  origin: string;
  jobId: string;
  collectedAt: string;
}

const LONGEST_TEXT = 200;

/**
 * Collection as work from the queue: fetch the clip, probe it, store it by its content's hash, look for clips that
 * sound the same, note where it came from and how it ended.
 */
export function createCollectionStage(
  config: CollectorConfig,
  { jobs }: Pick<Platform, 'jobs'>,
  sources: Sources,
): Stage<CollectionSpec, 'collection'> {
  return {
    kind: 'collection',
    codeVersion: '2',
    concurrency: config.SOUNDSTAGE_COLLECT_CONCURRENCY,
    steps: [
      { name: 'fetch', share: 4 },
      { name: 'probe', share: 1 },
      { name: 'listen', share: 2 },
      { name: 'store', share: 3 },
    ],
    spec: CollectionSpec,
    result: CollectionResult,

    async check(spec) {
      await checkSource(spec, config, sources);
      checkTexts({
        source_id: spec.sourceId,
        label: spec.label,
        licence: spec.licence,
        dataset_split: spec.datasetSplit,
      });
      checkFollowUp(spec.thenPreprocess);
    },

    inputs: (spec) => (spec.source?.$case === 'upload' ? [spec.source.value] : []),

    // A file's content and what was collected before are no part of the spec.
    belongsToJob: () => true,

    async run(spec, context) {
      const { store, jobId, signal } = context;
      if (!spec.source) throw badInput('The spec names no source.', 'spec.source');
      const known = await describeSource(spec.source, config);
      const runId = (await jobs.request(jobId)).parentJobId;
      const note = (record: Omit<SourceRecord, 'identity' | 'jobId' | 'runId' | 'endedAt'>) =>
        noteSource(store, { identity: known.identity, ...record, jobId, runId, endedAt: new Date().toISOString() });
      try {
        const result = await collect(spec, known, context);
        const { clip, nearDuplicate, duplicate, sourceId, media, nextJobId } = result;
        await note({
          outcome: duplicate ? 'duplicate' : nearDuplicate ? 'near_duplicate' : 'collected',
          clip: { ...clip!, sizeBytes: Number(clip!.sizeBytes) },
          durationS: media!.durationS,
          sourceId,
          ...(nearDuplicate && {
            nearDuplicateOf: nearDuplicate.clip!.sha256,
            nearDuplicateDistance: nearDuplicate.distance,
          }),
          nextJobId,
        });
        return result;
      } catch (error) {
        // Who cancels or stops the work says nothing about the clip.
        const cause: unknown = signal.aborted ? signal.reason : error;
        if (signal.aborted && SoundstageError.from(cause).reason !== 'DEADLINE_EXCEEDED') throw error;
        const pauseMs = SoundstageError.from(error).retryAfterMs;
        if (pauseMs !== undefined && known.host !== '') await notePause(store, known.host, pauseMs);
        await note({ outcome: 'refused', ...refusalOf(cause) });
        throw error;
      }
    },
  };

  async function collect(spec: CollectionSpec, known: KnownSource, context: WorkContext): Promise<CollectionResult> {
    const { store, signal, progress, jobId } = context;
    progress('fetch', 0);
    const { path, sha256 } = await fetchClip(spec.source!, context, config, sources);
    progress('fetch', 1);

    progress('probe', 0);
    const limits = { bytes: config.SOUNDSTAGE_CLIP_BYTES, seconds: config.SOUNDSTAGE_CLIP_SECONDS };
    const info = await probeStored(store, { path, sha256 }, { limits, signal });
    progress('probe', 1, `${info.container}, ${info.durationS.toFixed(1)} s`);

    progress('listen', 0);
    const earlier = await readJson<Lineage>(store, lineageKey(sha256));
    const fingerprint = earlier && earlier.value.jobId !== jobId ? undefined : await listen(path, info, context);
    progress('listen', 1);

    progress('store', 0);
    const { size } = await stat(path);
    const clip = await storeMedia(store, createReadStream(path), {
      sha256,
      sizeBytes: BigInt(size),
      mediaType: mediaTypeOf(info.container),
      signal,
    });
    // Into the index before the lineage tells when the clip came: of two near-duplicates that come at the same time,
    // the later one finds the earlier one, and not the other way round.
    if (fingerprint) await indexFingerprint(store, sha256, fingerprint);
    const lineage = await recordLineage(store, {
      key: clip.key,
      sha256,
      sizeBytes: size,
      mediaType: clip.mediaType,
      sourceId: spec.sourceId || sha256,
      label: spec.label,
      datasetSplit: spec.datasetSplit,
      licence: spec.licence,
      origin: known.origin,
      jobId,
      collectedAt: new Date().toISOString(),
    });
    // A second attempt of this job finds what the first one noted: that is no duplicate.
    const duplicate = lineage.jobId !== jobId;
    const nearDuplicate = fingerprint && !duplicate ? await findEarlier(store, lineage, fingerprint) : undefined;
    progress('store', 1);
    const nextJobId = spec.thenPreprocess
      ? await context.submit('preprocessing', PreprocessingSpec.toJSON({ ...spec.thenPreprocess, clip }))
      : '';
    return {
      clip,
      sourceId: spec.sourceId || sha256,
      label: spec.label,
      datasetSplit: spec.datasetSplit,
      duplicate,
      nearDuplicate,
      media: { durationS: info.durationS, container: info.container, video: info.video, audio: info.audio },
      nextJobId,
    };
  }
}

/** The fingerprint of a clip's sound; undefined where it has none, or none that can be decoded. */
async function listen(path: string, info: MediaInfo, { signal, log }: WorkContext): Promise<Fingerprint | undefined> {
  if (!info.audio) return undefined;
  try {
    const sound = decodeAudio(path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 1, durationS: LONGEST_S, info, signal });
    return await fingerprintOf(sound);
  } catch (error) {
    if (SoundstageError.from(error).reason !== 'BAD_INPUT') throw error;
    // Whether such a clip is of use is for the preprocessor to say.
    log.warn({ err: error }, 'no fingerprint');
    return undefined;
  }
}

const lineageKey = (sha256: string) => `collected/${sha256}.json`;

/** Notes where a content came from when it came first. @returns what was noted first */
async function recordLineage(store: ObjectStore, lineage: Lineage): Promise<Lineage> {
  try {
    await writeJson(store, lineageKey(lineage.sha256), lineage, { ifVersion: 'absent' });
    return lineage;
  } catch (error) {
    if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
    return (await readJson<Lineage>(store, lineageKey(lineage.sha256)))?.value ?? lineage;
  }
}

/** The nearest clip that sounds the same and came earlier. */
async function findEarlier(
  store: ObjectStore,
  lineage: Lineage,
  fingerprint: Fingerprint,
): Promise<NearDuplicate | undefined> {
  const order = (of: Lineage) => `${of.collectedAt} ${of.sha256}`;
  for (const { sha256, distance } of await findNear(store, lineage.sha256, fingerprint)) {
    const other = (await readJson<Lineage>(store, lineageKey(sha256)))?.value;
    if (!other || order(other) > order(lineage)) continue;
    const clip = { key: other.key, sha256, sizeBytes: BigInt(other.sizeBytes ?? 0), mediaType: other.mediaType ?? '' };
    return { clip, distance };
  }
  return undefined;
}

async function checkSource(
  { source }: CollectionSpec,
  config: CollectorConfig,
  { downloader }: Sources,
): Promise<void> {
  switch (source?.$case) {
    case 'upload':
      return checkReference(source.value, 'spec.upload');
    case 'file':
      folderOf(config, 'spec.file');
      return checkRelativePath(source.value, 'spec.file');
    case 'url':
      try {
        readUrl(source.value);
      } catch (error) {
        throw badInput(SoundstageError.from(error).message, 'spec.url', error);
      }
      return;
    case 'datasetClip':
      if (!isPart(source.value)) {
        throw badInput(
          `The part needs a YouTube id (11 letters), a start from 0 s and a length up to ${LONGEST_PART_S} s.`,
          'spec.dataset_clip',
        );
      }
      return downloader.ready();
    case undefined:
      throw badInput('The spec names no source: give an upload, a file, a url or a dataset_clip.', 'spec.source');
  }
}

/** @throws BAD_INPUT for a text that is too long */
export function checkTexts(texts: Record<string, string>): void {
  for (const [field, text] of Object.entries(texts)) {
    if (text.length > LONGEST_TEXT) {
      throw badInput(`${field} has ${text.length} letters; the limit is ${LONGEST_TEXT}.`, `spec.${field}`);
    }
  }
}

/** @throws BAD_INPUT for a follow-up that must fail */
export function checkFollowUp(spec: PreprocessingSpec | undefined): void {
  if (!spec) return;
  if (spec.clip) {
    throw badInput('Leave then_preprocess.clip empty: the collected clip is meant.', 'spec.then_preprocess.clip');
  }
  checkPreprocessing(spec, 'spec.then_preprocess');
}
