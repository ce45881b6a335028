/** Google's engines for tests: its Pub/Sub emulator, a server that stands in for Cloud Storage, and lines with faults. */
export { startFaultProxy, type Fault, type FaultProxy } from './fault-proxy.js';
export { gcsServer, startGcsServer, type GcsTestServer } from './gcs-server.js';
export { openLine, type Line } from './line.js';
export { startSignedFront, type SignedFront } from './signed-front.js';
export { makeSigningAccount, type SigningAccount } from './signing-account.js';
export { pubsubEmulator, startPubSubEmulator } from './pubsub-emulator.js';
export type { TestServer } from './servers.js';
export { startKubernetesApi, type KubernetesApi } from './kubernetes/api-server.js';
export type { ApiFault, ApiVerb } from './kubernetes/faults.js';
