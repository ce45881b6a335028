export * from './errors.js';
export type * from './ports/queue.js';
export type * from './ports/object-store.js';
export type * from './ports/job-runner.js';
