import { CollectorServiceService, type CollectorServiceServer } from '@soundstage/contracts';
import { createJobMethod, type CreateService } from '@soundstage/core';
import { createBulkCollectionStage } from './bulk/stage.js';
import { reachOf, readCollectorConfig, type CollectorConfig } from './config.js';
import { createDatasetFolder } from './download/dataset-folder.js';
import { createYtDlp } from './download/yt-dlp.js';
import type { Sources } from './fetch-clip.js';
import { createCollectionStage } from './handler.js';

/** The collector: takes clips in, one or many. */
export const createCollector: CreateService = async (platform, handlers) => {
  const config = readCollectorConfig();
  const sources = sourcesOf(config);
  const one = createCollectionStage(config, platform, sources);
  const many = createBulkCollectionStage(config, platform, sources);
  const implementation: CollectorServiceServer = {
    createCollection: createJobMethod('CreateCollection', one, platform, handlers),
    createBulkCollection: createJobMethod('CreateBulkCollection', many, platform, handlers),
  };
  return { name: 'collector', grpc: [{ definition: CollectorServiceService, implementation }], stages: [one, many] };
};

function sourcesOf(config: CollectorConfig): Sources {
  const folder = config.SOUNDSTAGE_DATASET_DIR;
  return {
    reach: reachOf(config),
    downloader: folder === undefined ? createYtDlp({ program: config.SOUNDSTAGE_YT_DLP }) : createDatasetFolder(folder),
  };
}
