import { mkdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { SyncAfter, SyncResult, SyncSpec, SyncVerdict } from '@soundstage/contracts';
import { checkReference, fetchObject, storeBytes, storeFile, type Stage, type WorkContext } from '@soundstage/core';
import { defaultRepairExtension } from '@soundstage/media';
import type { SyncMeasurement } from '@soundstage/sync';
import { fileNameFrom, mediaTypeOf } from './input-files.js';
import { writeEvidence } from './jobs/sync/evidence.js';
import { examine } from './jobs/sync/examine.js';
import type { HeldSync, Sync } from './jobs/sync/open-sync.js';
import { RANGE_S } from '@soundstage/sync';
import { checkRange } from './jobs/sync/sync.js';

/** The sync job as work from the queue: fetch the video, run the job, store the results. */
export function createSyncStage(sync: Sync): Stage<SyncSpec, 'sync'> {
  return {
    kind: 'sync',
    codeVersion: 'that of the models', // pin() says it
    steps: [{ name: 'fetch', share: 2 }, ...sync.steps, { name: 'store', share: 2 }],
    spec: SyncSpec,
    result: SyncResult,
    check: (spec) => checkSpec(spec, sync),
    inputs: ({ video }) => (video === undefined ? [] : [video]),
    async run(spec, context) {
      const held = sync.hold();
      try {
        return await runSpec(spec, held, context);
      } finally {
        held.release();
      }
    },
    // Models may be exchanged at any time: a job keeps those that it began with.
    pin(spec) {
      const held = sync.hold();
      return { codeVersion: held.version, run: (context) => runSpec(spec, held, context), release: held.release };
    },
  };
}

async function runSpec(
  spec: SyncSpec,
  held: HeldSync,
  { signal, store, scratch, progress, outputPrefix }: WorkContext,
): Promise<SyncResult> {
  checkReference(spec.video, 'spec.video');
  progress('fetch', 0);
  // A folder of its own, so that a name that people chose can't meet one of ours.
  await mkdir(join(scratch, 'in'));
  const title = fileNameFrom(spec.fileName);
  const inputPath = join(scratch, 'in', title);
  await fetchObject(store, spec.video, inputPath, signal);
  progress('fetch', 1);
  const info = await examine(inputPath, signal);
  const reportPath = join(scratch, 'report.html');
  const made = await held.run({
    inputPath,
    info,
    ...(spec.measureOnly ? {} : { outputPath: join(scratch, `repaired${defaultRepairExtension(info)}`) }),
    rangeS: spec.rangeS === 0 ? RANGE_S.usual : spec.rangeS,
    reportPath,
    title,
    playable: false, // it goes where neither file lies beside it
    signal,
    onProgress: progress,
  });

  progress('store', 0);
  const stored = (bytes: Uint8Array, name: string, mediaType: string) =>
    storeBytes(store, bytes, `${outputPrefix}/${name}`, mediaType, signal);
  const report = await stored(await readFile(reportPath), 'report.html', 'text/html; charset=utf-8');
  const evidence = await stored(Buffer.from(writeEvidence(made)), 'evidence.json', 'application/json');
  const { outputPath, before, after, warnings, durationS, whatWasDone } = made;
  const extension = extname(outputPath ?? '');
  const video =
    outputPath === undefined
      ? undefined
      : await storeFile(store, outputPath, `${outputPrefix}/video${extension}`, mediaTypeOf(extension), signal);
  progress('store', 1);
  return SyncResult.fromPartial({
    ...answerOf(before),
    ...(after && { after: SyncAfter.fromPartial(answerOf(after)) }),
    ...(video && { video }),
    report,
    evidence,
    timings: Object.entries(made.timings).map(([step, seconds]) => ({ step: step.replace(/_s$/, ''), seconds })),
    warnings,
    durationS,
    models: [...made.models],
    whatWasDone,
  });
}

const VERDICTS: Record<SyncMeasurement['verdict'], SyncVerdict> = {
  in_sync: SyncVerdict.IN_SYNC,
  offset: SyncVerdict.OFFSET,
  drift: SyncVerdict.DRIFT,
  piecewise: SyncVerdict.PIECEWISE,
  cannot_tell: SyncVerdict.CANNOT_TELL,
};

/** What a measurement says, without its evidence. */
function answerOf({ verdict, reason, detail, offsetMs, confidence, segments }: SyncMeasurement) {
  return {
    verdict: VERDICTS[verdict],
    reason: reason ?? '',
    detail,
    ...(offsetMs === undefined ? {} : { offsetMs }),
    confidence,
    segments: [...segments],
  };
}

function checkSpec({ video, rangeS }: SyncSpec, sync: Sync): void {
  checkReference(video, 'spec.video');
  if (rangeS !== 0) checkRange(rangeS, 'spec.range_s');
  sync.version(); // refused now where there are no models for it
}
