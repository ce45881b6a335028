/** The ports, and the checks of what they are given that every adapter makes alike. */
export * from './body-parts.js';
export * from './check-key.js';
export * from './check-message.js';
export * from './check-run.js';
export type * from './job-runner.js';
export type * from './object-store.js';
export type * from './queue.js';
export type * from './signed-addresses.js';
