import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SigningAccount {
  publicKey: KeyObject;
  /** For the process that signs. */
  env: { GOOGLE_APPLICATION_CREDENTIALS: string; GOOGLE_CLOUD_PROJECT: string };
  remove(): void;
}

/** A service account made up for a test, that can sign: with Workload Identity it is the IAM service that signs. */
export function makeSigningAccount(): SigningAccount {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const folder = mkdtempSync(join(tmpdir(), 'soundstage-account-'));
  const file = join(folder, 'account.json');
  const account = {
    type: 'service_account',
    client_email: 'signer@test.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  writeFileSync(file, JSON.stringify(account));
  return {
    publicKey: createPublicKey(privateKey),
    // Without the project Google’s library asks gcloud and the network for it, which takes seconds.
    env: { GOOGLE_APPLICATION_CREDENTIALS: file, GOOGLE_CLOUD_PROJECT: 'test' },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
