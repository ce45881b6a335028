export type { ObjectStoreFixture, QueueFixture } from './fixtures.js';
export { queueContract } from './queue-contract.js';
export { objectStoreContract } from './object-store-contract.js';
export { jobRunnerContract, type JobRunnerFixture } from './job-runner-contract.js';
export { longTest, longTests } from './long-test.js';
