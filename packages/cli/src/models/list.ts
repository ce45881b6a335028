import { TrainerLauncherServiceService as Launcher, type RegisteredModel, type Run } from '@soundstage/contracts';
import type { Connection } from '../connect/connect.js';

/** All versions of a model, or of all models, the newest of each first. */
export async function allModels(connection: Connection, name: string, signal?: AbortSignal): Promise<RegisteredModel[]> {
  const models: RegisteredModel[] = [];
  for (let pageToken = ''; ;) {
    const request = { name, pageSize: 500, pageToken };
    const answer = await connection.call(Launcher.listModels, request, signal);
    models.push(...answer.models);
    if (!answer.nextPageToken) return models;
    pageToken = answer.nextPageToken;
  }
}

/** The newest runs, at most so many. */
export async function newestRuns(connection: Connection, most: number, signal?: AbortSignal): Promise<Run[]> {
  const runs: Run[] = [];
  for (let pageToken = ''; runs.length < most;) {
    const request = { pageSize: Math.min(100, most - runs.length), pageToken };
    const answer = await connection.call(Launcher.listRuns, request, signal);
    runs.push(...answer.runs);
    if (!answer.nextPageToken) break;
    pageToken = answer.nextPageToken;
  }
  return runs;
}
