export { NOTICED_MS, SURE_TO_ALTER, type DecisionRules } from './decide.js';
export { createLooks, movedLooks, type Looks } from './looks.js';
export { RANGE_S, type MeasureOptions } from './measure.js';
export type {
  CannotTellReason,
  SeenFace,
  SyncEvidence,
  SyncMeasurement,
  SyncSegment,
  SyncVerdict,
} from './measurement.js';
export {
  openSyncMeter,
  SYNC_MODELS,
  syncMeterOf,
  type SyncMeter,
  type SyncModelName,
  type SyncModelSet,
} from './open-sync-meter.js';
export { syncReport, type SyncReportOptions } from './report/page.js';
export { driftInWords, headline, lateness, offsetAt, percent, sureness } from './report/words.js';
