export { exportDataset, exportDvc, type ExportOptions } from './export/export-dataset.js';
export { createSplitter } from './service.js';
