import type { Scope } from './caller.js';

/** What a method asks of its caller, and whether it changes something: then it stands in the audit log. */
export interface MethodRule {
  scope: Scope;
  changes: boolean;
  /** The daily quota that it draws on. */
  counts?: 'jobs' | 'uploadBytes';
}

const reads: MethodRule = { scope: 'read', changes: false };
const writes: MethodRule = { scope: 'write', changes: true };
const rules: MethodRule = { scope: 'admin', changes: true };
const makesJob: MethodRule = { ...writes, counts: 'jobs' };

const METHODS: Readonly<Record<string, MethodRule>> = {
  CancelJob: writes,
  CancelRun: rules,
  CompareDatasets: reads,
  CompareRuns: reads,
  CreateBulkCollection: makesJob,
  CreateCollection: makesJob,
  CreateFeatureExtraction: makesJob,
  CreateFoley: makesJob,
  CreatePreprocessing: makesJob,
  CreateSplit: makesJob,
  CreateSync: makesJob,
  CreateUpload: { ...writes, counts: 'uploadBytes' },
  Download: reads,
  FinishUpload: writes,
  GetDataset: reads,
  GetJob: reads,
  GetRun: reads,
  GetStore: reads,
  GetUpload: reads,
  LaunchTraining: { ...rules, counts: 'jobs' },
  ListDatasetVersions: reads,
  ListDatasets: reads,
  ListJobs: reads,
  ListLoadedModels: reads,
  ListModels: reads,
  ListRecipes: reads,
  ListRuns: reads,
  ListSounds: reads,
  PreviewSound: reads,
  PromoteModel: rules,
  RollbackModel: rules,
  ServerReflectionInfo: reads,
  SignDownload: reads,
  TagDataset: writes,
  WatchJob: reads,
  WatchRun: reads,
  WriteUpload: writes,
};

/** The rule of a method by its name without the service's. Who adds one and forgets it here has shut it. */
export const ruleOf = (method: string): MethodRule => METHODS[method] ?? rules;

/** Whether a method has a rule of its own. */
export const hasRule = (method: string): boolean => Object.hasOwn(METHODS, method);
