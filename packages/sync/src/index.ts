export type {
  CannotTellReason,
  SeenFace,
  SyncEvidence,
  SyncMeasurement,
  SyncSegment,
  SyncVerdict,
} from './measurement.js';
