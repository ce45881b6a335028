import { DatasetVersion, SplitResult, SplitSpec, type ObjectRef } from '@soundstage/contracts';
import { badInput, SoundstageError, type ObjectStore, type Stage, type WorkContext } from '@soundstage/core';
import { checkSplitSpec, divisionOf } from './check-spec.js';
import type { SplitterConfig } from './config.js';
import { countLabels, countReasons, countSplits, warningsOf } from './count.js';
import { SPLITS, type PlacedClip, type Rejected } from './dataset-clip.js';
import { foldManifestPath, indexFiles, MANIFEST_PATH, REJECTED_PATH } from './formats/index-files.js';
import { datasetPage } from './page/page.js';
import { previewOf } from './page/preview.js';
import { chooseSample } from './page/sample.js';
import { placeClips } from './place.js';
import { readClips, readRejected } from './read-clips.js';
import { groupBySource } from './sources.js';
import { compareVersions, countChanges } from './versions/compare.js';
import { orderRejected, versionId } from './versions/manifest-lines.js';
import type { DatasetRegistry } from './versions/registry.js';
import { writeTree } from './write-tree.js';
import { storeText } from './write-text.js';

/**
 * Splitting as work from the queue: read the clips, divide them, write the manifest and the other formats, make the
 * page, and keep the whole as a version of the dataset. The version is kept last: who finds it finds all of it.
 */
export function createSplitStage(
  config: SplitterConfig,
  { registry }: { registry: DatasetRegistry },
): Stage<SplitSpec, 'split'> {
  const clipLimit = config.SOUNDSTAGE_SPLIT_CLIPS;
  return {
    kind: 'split',
    codeVersion: '2',
    steps: [
      { name: 'read', share: 5 },
      { name: 'divide', share: 10 },
      { name: 'write', share: 5 },
      { name: 'page', share: 70 },
      { name: 'keep', share: 10 },
    ],
    spec: SplitSpec,
    result: SplitResult,

    async check(spec) {
      checkSplitSpec(spec, clipLimit);
      if (spec.parentVersion) await findParent(registry, spec);
    },

    inputs: (spec) => [
      ...spec.clips.flatMap(({ clip, video, audio, frames }) => [clip, video, audio, frames]).filter(isPresent),
      ...[spec.clipList, spec.rejectedList].filter(isPresent),
    ],

    async run(spec, context) {
      const { store, outputPrefix, scratch, progress, signal } = context;
      progress('read', 0);
      const options = { clipLimit, signal };
      const { clips: given, repeated } = await readClips(spec, store, options);
      const rejectedBefore = await readRejected(spec, store, options);
      const parent = spec.parentVersion ? await findParent(registry, spec) : undefined;
      progress('read', 1, `${given.length} clips`);

      progress('divide', 0);
      const { placements, rejected: leaks } = await placeClips(given, divisionOf(spec), spec.seed);
      const clips: PlacedClip[] = given.flatMap((clip) => {
        const place = placements.get(clip);
        return place ? [{ ...clip, ...place }] : [];
      });
      const rejected = orderRejected([...rejectedBefore, ...leaks.values()]);
      progress('divide', 1);

      const version = describeVersion(spec, clips, rejected, { repeated, leaks: leaks.size });
      progress('write', 0);
      const texts = new Map<string, ObjectRef>();
      for (const { path, mediaType, pieces } of indexFiles(clips, rejected, spec.folds)) {
        const text = { key: `${outputPrefix}/${path}`, mediaType, pieces: pieces() };
        texts.set(path, await storeText(store, `${scratch}/text`, text, signal));
      }
      version.manifest = texts.get(MANIFEST_PATH);
      version.rejected = texts.get(REJECTED_PATH);
      progress('write', 1);

      progress('page', 0);
      version.page = await makePage(config, spec, context, { version, clips, rejected, parent });
      texts.set('index.html', version.page);
      progress('page', 1);

      progress('keep', 0);
      Object.assign(version, await writeTree(context, { version, clips, texts, dvc: spec.dvc }));
      const kept = await registry.record({ ...version, createTime: new Date() });
      progress('keep', 1, `version ${kept.id.slice(0, 12)}`);
      const counts = version.clips!;
      return {
        manifest: version.manifest,
        trainCount: counts.train,
        validationCount: counts.validation,
        testCount: counts.test,
        version: kept,
        foldManifests: Array.from({ length: spec.folds }, (_, i) => texts.get(foldManifestPath(i + 1))!),
      };
    },
  };
}

async function findParent(registry: DatasetRegistry, spec: SplitSpec): Promise<DatasetVersion> {
  return registry.find(spec.name, spec.parentVersion).catch((cause: unknown) => {
    if (SoundstageError.from(cause).reason !== 'NOT_FOUND') throw cause;
    throw badInput(
      `The dataset ${spec.name} has no version ${spec.parentVersion} to follow.`,
      'spec.parent_version',
      cause,
    );
  });
}

/** The version but for the objects that are still to be written. */
function describeVersion(
  spec: SplitSpec,
  clips: readonly PlacedClip[],
  rejected: readonly Rejected[],
  found: { repeated: number; leaks: number },
): DatasetVersion {
  const labels = countLabels(clips, rejected);
  const shares = { train: spec.trainShare, validation: spec.validationShare, test: spec.testShare };
  const division = divisionOf(spec);
  const wanted = SPLITS.filter((split) => shares[split] > 0 || (division.method === 'own' && split !== 'validation'));
  return DatasetVersion.fromPartial({
    name: spec.name,
    id: versionId({ profile: spec.profile, folds: spec.folds, clips, rejected }),
    parentVersion: spec.parentVersion,
    profile: spec.profile,
    method: spec.method,
    trainShare: spec.trainShare,
    validationShare: spec.validationShare,
    testShare: spec.testShare,
    seed: spec.seed,
    folds: spec.folds,
    clips: countSplits(clips),
    labels,
    sourceCount: groupBySource(clips).length,
    durationS: clips.reduce((sum, { durationS }) => sum + durationS, 0),
    unknownDurationCount: clips.filter(({ durationS }) => durationS === 0).length,
    rejectedCount: rejected.length,
    reasons: countReasons(rejected),
    warnings: warningsOf(clips, labels, wanted, found),
  });
}

interface Shown {
  version: DatasetVersion;
  clips: readonly PlacedClip[];
  rejected: readonly Rejected[];
  parent: DatasetVersion | undefined;
}

async function makePage(
  config: SplitterConfig,
  spec: SplitSpec,
  { store, scratch, signal, progress, outputPrefix }: WorkContext,
  { version, clips, rejected, parent }: Shown,
): Promise<ObjectRef> {
  const sample = chooseSample(clips, spec.pageSamples ?? config.SOUNDSTAGE_SPLIT_PAGE_CLIPS);
  const mostBytes = config.SOUNDSTAGE_SPLIT_PREVIEW_BYTES;
  const pieces = datasetPage({
    version,
    clips,
    rejected,
    sample,
    preview: (clip) => previewOf(clip, { store, scratch, mostBytes, signal }),
    ...(parent ? { since: await changesSince(store, parent, version) } : {}),
    onPreview: (done) => progress('page', done / sample.length, `${done} of ${sample.length} clips`),
  });
  const text = { key: `${outputPrefix}/index.html`, mediaType: 'text/html; charset=utf-8', pieces };
  return storeText(store, `${scratch}/page`, text, signal);
}

async function changesSince(store: ObjectStore, parent: DatasetVersion, version: DatasetVersion) {
  const { changes, unchanged } = await compareVersions(store, parent, version);
  return { ...countChanges(changes), unchanged };
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined;
}
