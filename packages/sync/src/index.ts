export type {
  CannotTellReason,
  SeenFace,
  SyncEvidence,
  SyncMeasurement,
  SyncSegment,
  SyncVerdict,
} from './measurement.js';
export { syncReport, type SyncReportOptions } from './report/page.js';
export { driftInWords, headline, lateness, offsetAt, percent, sureness } from './report/words.js';
