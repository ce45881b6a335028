import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CollectionResult, CollectionSpec, PreprocessingSpec } from '@soundstage/contracts';
import {
  badInput,
  checkPreprocessing,
  checkReference,
  fetchObject,
  readJson,
  SoundstageError,
  storeMedia,
  writeJson,
  type Stage,
  type WorkContext,
} from '@soundstage/core';
import { probe } from '@soundstage/media';
import { checkRelativePath, openInside } from './collect-folder.js';
import type { CollectorConfig } from './config.js';
import { mediaTypeOf } from './media-type.js';

/** Written once for each content, as `collected/<sha256>.json`: where a clip came from. */
export interface Lineage {
  key: string;
  sha256: string;
  sourceId: string;
  label: string;
  licence: string;
  /** `upload:<key>` or `file:<path in the collector's folder>`. */
  origin: string;
  jobId: string;
  collectedAt: string;
}

const LONGEST_TEXT = 200;

/** Collection as work from the queue: fetch the clip, probe it, store it by its content's hash, note where it came from. */
export function createCollectionStage(config: CollectorConfig): Stage<CollectionSpec, 'collection'> {
  return {
    kind: 'collection',
    codeVersion: '1',
    steps: [
      { name: 'fetch', share: 4 },
      { name: 'probe', share: 2 },
      { name: 'store', share: 4 },
    ],
    spec: CollectionSpec,
    result: CollectionResult,

    check(spec) {
      if (spec.source?.$case === 'upload') checkReference(spec.source.value, 'spec.upload');
      else if (spec.source?.$case === 'file') {
        if (config.SOUNDSTAGE_COLLECT_DIR === undefined) {
          throw badInput(
            'This collector takes no files by name: upload the clip, or set SOUNDSTAGE_COLLECT_DIR.',
            'spec.file',
          );
        }
        checkRelativePath(spec.source.value, 'spec.file');
      } else throw badInput('The spec names no source: give an upload or a file.', 'spec.source');
      for (const [field, text] of Object.entries({
        source_id: spec.sourceId,
        label: spec.label,
        licence: spec.licence,
      })) {
        if (text.length > LONGEST_TEXT) {
          throw badInput(`${field} has ${text.length} letters; the limit is ${LONGEST_TEXT}.`, `spec.${field}`);
        }
      }
      if (spec.thenPreprocess) {
        if (spec.thenPreprocess.clip) {
          throw badInput('Leave then_preprocess.clip empty: the collected clip is meant.', 'spec.then_preprocess.clip');
        }
        checkPreprocessing(spec.thenPreprocess, 'spec.then_preprocess');
      }
    },

    inputs: (spec) => (spec.source?.$case === 'upload' ? [spec.source.value] : []),

    // A file's content and what was collected before are no part of the spec.
    belongsToJob: () => true,

    async run(spec, context) {
      const { store, signal, progress, jobId } = context;
      progress('fetch', 0);
      const { path, sha256, origin } = await fetchClip(spec, context);
      progress('fetch', 1);

      progress('probe', 0);
      const info = await probe(path, {
        limits: { bytes: config.SOUNDSTAGE_CLIP_BYTES, seconds: config.SOUNDSTAGE_CLIP_SECONDS },
        signal,
      });
      progress('probe', 1, `${info.container}, ${info.durationS.toFixed(1)} s`);

      progress('store', 0);
      const { size } = await stat(path);
      const clip = await storeMedia(store, createReadStream(path), {
        sha256,
        sizeBytes: BigInt(size),
        mediaType: mediaTypeOf(info.container),
        signal,
      });
      const sourceId = spec.sourceId || sha256;
      const firstJobId = await recordLineage(context, {
        key: clip.key,
        sha256,
        sourceId,
        label: spec.label,
        licence: spec.licence,
        origin,
        jobId,
        collectedAt: new Date().toISOString(),
      });
      progress('store', 1);
      const nextJobId = spec.thenPreprocess
        ? await context.submit('preprocessing', PreprocessingSpec.toJSON({ ...spec.thenPreprocess, clip }))
        : '';
      return {
        clip,
        sourceId,
        label: spec.label,
        // A second attempt of this job finds what the first one noted: that is no duplicate.
        duplicate: firstJobId !== jobId,
        media: { durationS: info.durationS, container: info.container, video: info.video, audio: info.audio },
        nextJobId,
      };
    },
  };

  /** Brings the clip into the scratch folder, under a name that errors may show. */
  async function fetchClip(
    { source }: CollectionSpec,
    { store, scratch, signal }: WorkContext,
  ): Promise<{ path: string; sha256: string; origin: string }> {
    if (source?.$case === 'upload') {
      const path = join(scratch, `upload-${source.value.sha256.slice(0, 12)}`);
      checkBytes(Number(source.value.sizeBytes), 'The upload');
      await fetchObject(store, source.value, path, signal);
      return { path, sha256: source.value.sha256, origin: `upload:${source.value.key}` };
    }
    const file = source?.value ?? '';
    const handle = await openInside(config.SOUNDSTAGE_COLLECT_DIR ?? '', file);
    try {
      const { size } = await handle.stat();
      checkBytes(size, JSON.stringify(file));
      const hash = createHash('sha256');
      const path = join(scratch, (file.split('/').pop() ?? '').slice(-100) || 'clip');
      const content = handle.createReadStream({ autoClose: false, start: 0, end: size - 1 });
      content.on('data', (block) => hash.update(block));
      await pipeline(content, createWriteStream(path), { signal });
      return { path, sha256: hash.digest('hex'), origin: `file:${file}` };
    } finally {
      await handle.close();
    }
  }

  function checkBytes(bytes: number, name: string): void {
    if (bytes === 0) throw badInput(`${name} is empty (0 bytes).`, 'spec.source');
    if (bytes > config.SOUNDSTAGE_CLIP_BYTES) {
      throw badInput(`${name} has ${bytes} bytes; the limit is ${config.SOUNDSTAGE_CLIP_BYTES}.`, 'spec.source');
    }
  }
}

/** Notes where a content came from when it came first. @returns the job that collected it first */
async function recordLineage({ store }: WorkContext, lineage: Lineage): Promise<string> {
  const key = `collected/${lineage.sha256}.json`;
  try {
    await writeJson(store, key, lineage, { ifVersion: 'absent' });
    return lineage.jobId;
  } catch (error) {
    if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
    return (await readJson<Lineage>(store, key))?.value.jobId ?? '';
  }
}
