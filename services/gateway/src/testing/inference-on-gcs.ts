import {
  gcsServer,
  makeSigningAccount,
  startFaultProxy,
  startGcsServer,
  startSignedFront,
  type FaultProxy,
  type SignedFront,
} from '@soundstage/adapters-gcp/testing';
import { startInference, type TestInference } from './inference.js';

export interface InferenceOnGcs extends TestInference {
  /** What browsers see of the store. */
  store: SignedFront;
  /** The store's line, which can be made to break. */
  line: FaultProxy;
  bucket: string;
}

/** Whether there is a server that stands in for Cloud Storage; says so where there is none. */
export function hasGcsServer(): boolean {
  if (!gcsServer) console.warn('skipped: tests of signed addresses; ./soundstage test fetches their server');
  return gcsServer !== undefined;
}

/** The real inference service with its objects in a server that stands in for Cloud Storage, and with signed addresses. */
export async function startInferenceOnGcs(): Promise<InferenceOnGcs> {
  const server = await startGcsServer();
  const line = await startFaultProxy(server.url);
  const account = makeSigningAccount();
  const store = await startSignedFront(line.url, server.bucket, account.publicKey);
  const inference = await startInference({
    ...account.env,
    SOUNDSTAGE_STORE: 'gcs',
    SOUNDSTAGE_BUCKET: server.bucket,
    SOUNDSTAGE_SIGNED_ADDRESSES: 'on',
    STORAGE_EMULATOR_HOST: store.url,
  });
  return {
    ...inference,
    store,
    line,
    bucket: server.bucket,
    async remove() {
      await inference.remove();
      await store.close();
      await line.close();
      await server.kill();
      account.remove();
    },
  };
}
