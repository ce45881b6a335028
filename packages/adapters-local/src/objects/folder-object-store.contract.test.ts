import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectStoreContract } from '@soundstage/core/contract-tests';
import { createFolderObjectStore } from './folder-object-store.js';

objectStoreContract('A folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'soundstage-store-'));
  return {
    store: createFolderObjectStore({ folder }),
    other: createFolderObjectStore({ folder, quotaBytes: 1e9 }),
    fast: true,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
