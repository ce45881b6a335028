import { test } from '@jest/globals';
import { objectStoreContract } from '@soundstage/core/contract-tests';
import { gcsServer, startGcsServer } from '../testing/gcs-server.js';
import { createGcsObjectStore } from './gcs-object-store.js';

if (gcsServer) {
  objectStoreContract('Google Cloud Storage (a server that stands in for it)', async () => {
    const { url: endpoint, bucket, kill } = await startGcsServer();
    return {
      store: createGcsObjectStore({ endpoint, bucket }),
      other: createGcsObjectStore({ endpoint, bucket }),
      fast: true,
      close: kill,
    };
  });
} else {
  console.log('The contract of the object store on Cloud Storage is skipped: ./soundstage test fetches its server');
  test.skip('Google Cloud Storage, as an object store', () => undefined);
}
