import { SplitterServiceService, type DatasetVersionName, type SplitterServiceServer } from '@soundstage/contracts';
import { badInput, createJobMethod, type CreateService } from '@soundstage/core';
import { readSplitterConfig } from './config.js';
import { createSplitStage } from './handler.js';
import { compareVersions, countChanges } from './versions/compare.js';
import { createDatasetRegistry } from './versions/registry.js';

/** The splitter: divides clips into train, validation and test, and keeps the versions of datasets. */
export const createSplitter: CreateService = async (platform, handlers) => {
  const { store } = platform;
  const registry = createDatasetRegistry(store);
  const stage = createSplitStage(readSplitterConfig(), { registry });

  const implementation: SplitterServiceServer = {
    createSplit: createJobMethod('CreateSplit', stage, platform, handlers),

    listDatasets: handlers.unary('ListDatasets', async ({ pageSize, pageToken }) => {
      const { items, nextPageToken } = await registry.list({ size: sizeOf(pageSize, 100, 100), token: pageToken });
      return { datasets: items, nextPageToken };
    }),

    listDatasetVersions: handlers.unary('ListDatasetVersions', async ({ name, pageSize, pageToken }) => {
      const page = { size: sizeOf(pageSize, 20, 50), token: pageToken };
      const { items, nextPageToken } = await registry.history(name, page);
      return { versions: items.map((version) => ({ ...version, labels: [] })), nextPageToken };
    }),

    getDataset: handlers.unary('GetDataset', async ({ name, version }) => {
      const [dataset, found] = await Promise.all([registry.dataset(name), registry.find(name, version)]);
      return { dataset, version: found };
    }),

    tagDataset: handlers.unary('TagDataset', async ({ name, tag, version, expectedVersion }) => {
      const { id } = await registry.find(name, version);
      const { previous } = await registry.tag(name, tag, id, expectedVersion);
      return { tag: { tag, version: id }, previousVersion: previous };
    }),

    compareDatasets: handlers.unary('CompareDatasets', async ({ from, to, pageSize, pageToken }) => {
      const find = async (side: DatasetVersionName | undefined, field: string) => {
        if (!side) throw badInput(`Name the version to compare in ${field}.`, field);
        return registry.find(side.name, side.version);
      };
      const [older, newer] = [await find(from, 'from'), await find(to, 'to')];
      if (!/^\d{0,9}$/.test(pageToken)) {
        throw badInput('The page token is none that CompareDatasets gave.', 'page_token');
      }
      const { changes, unchanged } = await compareVersions(store, older, newer);
      const first = Number(pageToken || 0);
      const end = first + sizeOf(pageSize, 100, 500);
      return {
        fromVersion: older.id,
        toVersion: newer.id,
        ...countChanges(changes),
        unchanged,
        changes: changes.slice(first, end),
        nextPageToken: end < changes.length ? String(end) : '',
      };
    }),
  };
  return { name: 'splitter', grpc: [{ definition: SplitterServiceService, implementation }], stages: [stage] };
};

const sizeOf = (asked: number, usual: number, most: number) => Math.min(asked || usual, most);
