import { BulkCollectionResult, BulkCollectionSpec, type ObjectRef } from '@soundstage/contracts';
import { badInput, checkReference, storeBytes, type Platform, type Stage, type WorkContext } from '@soundstage/core';
import { checkRelativePath } from '../collect-folder.js';
import type { CollectorConfig } from '../config.js';
import { LONGEST_PART_S } from '../download/downloader.js';
import { folderOf, type Sources } from '../fetch-clip.js';
import { checkFollowUp, checkTexts } from '../handler.js';
import { pauseOf } from '../host-pause.js';
import { fixItems, openCheckpoints, type Checkpoints } from './checkpoints.js';
import { collectItem, settledBefore, type Run } from './collect-item.js';
import type { Item } from './items.js';
import { listItems } from './list-items.js';
import { countLines, csvReport, reportLine, type Counts, type ReportLine } from './outcome.js';
import { runPolitely } from './run-politely.js';

/** A long list may take weeks; each item has its own time limit. */
const LONGEST_S = 21 * 24 * 3600;
/** Bulk collections that a process attends to at a time: all they do is wait. */
const AT_A_TIME = 8;
/** Items whose past is looked up at a time. */
const LOOKUPS = 32;
const COUNT_EVERY_MS = 1000;

/**
 * Bulk collection as work from the queue. This job makes the list, starts a collection for each item, so that all
 * collectors share the work, and waits; it decides how many are on their way and how many of one host, so that a host
 * meets one polite visitor however many collectors there are.
 */
export function createBulkCollectionStage(
  config: CollectorConfig,
  { jobs }: Pick<Platform, 'jobs'>,
  { downloader }: Sources,
): Stage<BulkCollectionSpec, 'bulkCollection'> {
  return {
    kind: 'bulkCollection',
    codeVersion: '1',
    concurrency: AT_A_TIME,
    workTimeoutS: LONGEST_S,
    steps: [
      { name: 'list', share: 1 },
      { name: 'collect', share: 98 },
      { name: 'report', share: 1 },
    ],
    spec: BulkCollectionSpec,
    result: BulkCollectionResult,

    async check(spec) {
      await checkBulkSource(spec);
      checkTexts({ label: spec.label, licence: spec.licence });
      checkFollowUp(spec.thenPreprocess);
    },

    inputs: ({ source }) => {
      if (source?.$case === 'urlList') return [source.value];
      return source?.$case === 'datasetCsv' && source.value.csv ? [source.value.csv] : [];
    },

    // What is in the folder or bucket, and what was collected before, are no part of the spec.
    belongsToJob: () => true,

    async run(spec, context) {
      const { store, signal, progress, jobId, outputPrefix } = context;
      progress('list', 0);
      const listing = { store, signal, folder: () => folderOf(config, 'spec.folder') };
      const items = await fixItems(store, outputPrefix, () => listItems(spec, listing));
      progress('list', 1, `${items.length} items`);

      const checkpoints = await openCheckpoints(store, outputPrefix);
      const run: Run = { jobId, spec, jobs, store, signal };
      try {
        await collectAll(items, run, checkpoints, context);
      } finally {
        // What is known is kept, also when the work is interrupted; the error that interrupted it counts more.
        await checkpoints.flush().catch((error: unknown) => context.log.warn({ err: error }, 'items not noted'));
      }

      progress('report', 0);
      const lines = items.map((item, n) => checkpoints.ended.get(n) ?? reportLine(item, spec.licence, 'not_reached'));
      const result = { ...(await storeReport(lines, context)), ...countLines(lines) };
      progress('collect', 1, inWords(result));
      progress('report', 1);
      return result;
    },
  };

  async function collectAll(
    items: Item[],
    run: Run,
    checkpoints: Checkpoints,
    { progress }: WorkContext,
  ): Promise<void> {
    const { spec, store, signal } = run;
    const { ended } = checkpoints;
    const isNew = ({ outcome }: ReportLine) => outcome === 'collected' || outcome === 'near_duplicate';
    let collected = [...ended.values()].filter(isNew).length;
    let toldAtMs = 0;
    const tell = () => {
      const share = Math.max(ended.size / items.length, spec.limit > 0 ? collected / spec.limit : 0);
      // Counting takes time with long lists; the words may be a second old.
      const words =
        Date.now() - toldAtMs > COUNT_EVERY_MS ? inWords(countLines([...ended.values()]), items.length) : '';
      if (words) toldAtMs = Date.now();
      progress('collect', share, words || undefined);
    };
    const note = async (index: number, line: ReportLine) => {
      if (isNew(line)) collected++;
      await checkpoints.note(index, line);
      tell();
    };

    /** Items that are to be tried; those that are settled are noted on the way. */
    async function* untried(): AsyncGenerator<number, void> {
      for (let at = 0; at < items.length; at += LOOKUPS) {
        const indices = indicesFrom(at, Math.min(at + LOOKUPS, items.length)).filter((index) => !ended.has(index));
        const settled = await Promise.all(indices.map((index) => settledBefore(items[index]!, run)));
        for (const [n, index] of indices.entries()) {
          const line = settled[n];
          if (line) await note(index, line);
          else yield index;
        }
      }
    }

    tell();
    const politeness = {
      hostOf: (index: number) => items[index]!.host,
      inFlight: config.SOUNDSTAGE_COLLECT_IN_FLIGHT,
      perHost: config.SOUNDSTAGE_COLLECT_PER_HOST,
      pauseOf: (host: string) => pauseOf(store, host),
      room: () => (spec.limit > 0 ? spec.limit - collected : Infinity),
      signal,
    };
    await runPolitely(untried(), politeness, async (index) => {
      await note(index, await collectItem(items[index]!, index, run));
    });
  }

  async function checkBulkSource({ source, labelFromFolder }: BulkCollectionSpec): Promise<void> {
    if (labelFromFolder && source?.$case !== 'folder') {
      throw badInput('label_from_folder needs a folder.', 'spec.label_from_folder');
    }
    switch (source?.$case) {
      case 'folder':
        folderOf(config, 'spec.folder');
        return checkRelativePath(source.value, 'spec.folder');
      case 'urlList':
        return checkReference(source.value, 'spec.url_list');
      case 'bucketPrefix':
        if (/^[A-Za-z0-9._=-]{1,200}(\/[A-Za-z0-9._=-]{0,200})*$/.test(source.value) && source.value.length <= 512)
          return;
        throw badInput('bucket_prefix is no beginning of a key, `incoming/2026/` for example.', 'spec.bucket_prefix');
      case 'datasetCsv': {
        const { csv, clipS } = source.value;
        checkReference(csv, 'spec.dataset_csv.csv');
        if (!(clipS >= 0 && clipS <= LONGEST_PART_S)) {
          throw badInput(`clip_s is ${clipS}; it must be 0 to ${LONGEST_PART_S} s.`, 'spec.dataset_csv.clip_s');
        }
        return downloader.ready();
      }
      case undefined:
        throw badInput(
          'The spec names no source: give a folder, a url_list, a bucket_prefix or a dataset_csv.',
          'spec.source',
        );
    }
  }
}

async function storeReport(
  lines: ReportLine[],
  { store, outputPrefix, signal }: WorkContext,
): Promise<{ report: ObjectRef; reportCsv: ObjectRef }> {
  const json = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const csv = Buffer.from([...csvReport(lines)].join(''));
  return {
    report: await storeBytes(store, json, `${outputPrefix}/report.jsonl`, 'application/x-ndjson', signal),
    reportCsv: await storeBytes(store, csv, `${outputPrefix}/report.csv`, 'text/csv', signal),
  };
}

const indicesFrom = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

/** The counts as a person would say them. */
function inWords(counts: Counts, ofAll?: number): string {
  const parts: [number, string][] = [
    [counts.collectedCount, 'collected'],
    [counts.nearDuplicateCount, 'of them near-duplicates'],
    [counts.duplicateCount, 'duplicates'],
    [counts.refusedCount, 'refused'],
    [counts.skippedCollectedCount, 'collected before'],
    [counts.skippedRefusedCount, 'refused before'],
  ];
  const told = parts.filter(([count], n) => n === 0 || count > 0).map(([count, what]) => `${count} ${what}`);
  return `${ofAll === undefined ? '' : `${counts.itemCount} of ${ofAll}: `}${told.join(', ')}`;
}
