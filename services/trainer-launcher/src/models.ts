import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ListModelsRequest,
  ListModelsResponse,
  PromoteModelRequest,
  PromoteModelResponse,
  RollbackModelRequest,
  RollbackModelResponse,
} from '@soundstage/contracts';
import { badInput, SoundstageError, type Platform } from '@soundstage/core';
import {
  findRegistered,
  listRegisteredPage,
  openModel,
  promoteModel,
  registeredFolder,
  rollbackModel,
} from '@soundstage/models';

/** The models that runs have made. */
export interface Models {
  list(request: ListModelsRequest): Promise<ListModelsResponse>;
  /** @throws BAD_INPUT for a model that doesn't run; NOT_FOUND; CONFLICT */
  promote(request: PromoteModelRequest, signal: AbortSignal): Promise<PromoteModelResponse>;
  rollback(request: RollbackModelRequest): Promise<RollbackModelResponse>;
}

const MOST_ON_A_PAGE = 500;
/** A self-test that takes longer has failed. */
const SELF_TEST_MS = 120_000;

export function createModels({ store, scratch }: Pick<Platform, 'store' | 'scratch'>): Models {
  /** Fetches the model and opens it once, in a process of its own: hash, names, and a run must be as its card says. */
  async function selfTest(name: string, version: string, signal: AbortSignal): Promise<void> {
    const cache = join(scratch, 'self-tests', randomUUID());
    const limit = AbortSignal.any([signal, AbortSignal.timeout(SELF_TEST_MS)]);
    try {
      const folder = await registeredFolder(store, name, version, cache, limit);
      const model = await openModel({ folder, threads: 1, executionProvider: 'cpu', signal: limit });
      await model.close();
    } catch (thrown) {
      const error = SoundstageError.from(thrown);
      if (signal.aborted || error.retryable) throw error;
      throw badInput(`${name}/${version} can't be promoted: ${error.message}`, 'version', error);
    } finally {
      await rm(cache, { recursive: true, force: true });
    }
  }

  return {
    async list({ name, pageSize, pageToken }) {
      if (pageToken && !/^[a-z0-9][a-z0-9_-]{0,63}\/[1-9]\d{0,14}$/.test(pageToken)) {
        throw badInput('The page_token is not one that ListModels gave.', 'page_token');
      }
      const size = Math.min(pageSize || 100, MOST_ON_A_PAGE);
      const { models, next } = await listRegisteredPage(store, { ...(name ? { name } : {}), size, after: pageToken });
      return { models, nextPageToken: next };
    },

    async promote({ name, version, expectedVersion }, signal) {
      await findRegistered(store, name, version);
      await selfTest(name, version, signal);
      return promoteModel(store, name, version, { expected: expectedVersion });
    },

    async rollback({ name, expectedVersion }) {
      return rollbackModel(store, name, { expected: expectedVersion });
    },
  };
}
