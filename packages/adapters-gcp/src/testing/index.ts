/** Google's engines for tests: its Pub/Sub emulator, a server that stands in for Cloud Storage, and lines with faults. */
export { startFaultProxy, type Fault, type FaultProxy } from './fault-proxy.js';
export { gcsServer, startGcsServer, type GcsTestServer } from './gcs-server.js';
export { openLine, type Line } from './line.js';
export { pubsubEmulator, startPubSubEmulator } from './pubsub-emulator.js';
export type { TestServer } from './servers.js';
