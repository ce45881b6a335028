export { queueContract, type QueueFixture } from './queue-contract.js';
export { objectStoreContract, type ObjectStoreFixture } from './object-store-contract.js';
export { jobRunnerContract, type JobRunnerFixture } from './job-runner-contract.js';
