import { Job, JobState, type ObjectRef } from '@soundstage/contracts';
import { canonicalJson, readJson, type Manifest, type ObjectStore, type Platform } from '@soundstage/core';
import type { Item } from './item.js';
import { nextOf } from './items.js';

/** How everything ended that was asked for. Each entry of `lost` and `doubled` is a sentence. */
export interface Account {
  jobs: number;
  results: number;
  refusals: number;
  lost: string[];
  doubled: string[];
  /** Items that ended, but not as they should have. */
  otherwise: string[];
}

/**
 * Holds what was asked for against what stands in the store. Every item must have ended, each of its jobs as a result
 * that is there, byte for byte as its record says, or as a failure with a name; and nothing may be there twice: no
 * second job for one request or one parent, no second manifest for one piece of work, no manifest beside a failure, no
 * job that changed after its end.
 *
 * @param items what is held to account
 * @param others what else was asked of the same store
 */
export async function account(
  { store, jobs }: Pick<Platform, 'store' | 'jobs'>,
  items: readonly Item[],
  others: readonly Item[] = [],
): Promise<Account> {
  const found: Account = { jobs: 0, results: 0, refusals: 0, lost: [], doubled: [], otherwise: [] };
  const indexed = await keysBelow(store, 'job-index/');
  const ids = indexed.map((key) => key.slice('job-index/'.length + 15));
  const manifests = await readManifests(store);
  const asked = new Set([...items, ...others].flatMap((item) => item.jobs));

  for (const id of new Set(ids)) if (!asked.has(id)) found.doubled.push(`job ${id}: nobody asked for it`);

  for (const item of items) {
    found.jobs += item.jobs.length;
    if (item.jobs.length === 0) found.lost.push(`${item.requestId}: no job was made of it`);
    else if (item.endedMs === undefined) found.lost.push(`${item.requestId}: ${await stateOf(jobs, item)}`);
    for (const [id, first] of item.ends) {
      const now = await jobs.get(id);
      if (canonicalJson(Job.toJSON(now)) !== canonicalJson(Job.toJSON(first))) {
        found.doubled.push(`${item.requestId}: job ${id} changed after its end`);
      }
      if (!ids.includes(id)) found.lost.push(`${item.requestId}: job ${id} isn't in the index`);
      const { kind, spec } = await jobs.request(id);
      const made = manifests.get(workOf(kind, spec, id)) ?? [];
      if (now.state === JobState.SUCCEEDED) {
        if (now.result?.$case !== kind) found.lost.push(`${item.requestId}: job ${id} ended well without a result`);
        if (made.length === 0) found.lost.push(`${item.requestId}: the result of job ${id} has no manifest`);
        for (const missing of await missingOf(store, now)) found.lost.push(`${item.requestId}: ${missing}`);
      } else {
        if (!now.error?.reason || !now.error.message)
          found.lost.push(`${item.requestId}: job ${id} failed without a name`);
        if (made.length > 0) found.doubled.push(`${item.requestId}: job ${id} failed, and has a manifest`);
      }
      if (made.length > 1) found.doubled.push(`${item.requestId}: job ${id} has ${made.length} manifests`);
    }
    if (item.endedMs !== undefined) countEnd(item, found);
  }
  return found;
}

function countEnd(item: Item, found: Account): void {
  const last = item.ends.get(item.jobs.at(-1)!)!;
  const well = last.state === JobState.SUCCEEDED && nextOf(last) === '';
  if (well) found.results++;
  else found.refusals++;
  const refused = last.error?.reason === 'BAD_INPUT';
  const expected = item.expected === 'either' || (item.expected === 'result' ? well : refused);
  if (!expected) {
    const { reason = '', message = '' } = last.error ?? {};
    found.otherwise.push(`${item.requestId}: ${last.kind} ${JobState[last.state]} ${reason} ${message}`);
  }
}

async function stateOf(jobs: Platform['jobs'], item: Item): Promise<string> {
  const id = item.jobs.at(-1)!;
  const job = await jobs.get(id).catch(() => undefined);
  if (!job) return `job ${id} has no record`;
  return `job ${id} (${job.kind}) is still ${JobState[job.state]}, attempt ${job.attempt}: ${job.error?.message ?? ''}`;
}

/** One piece of work: equal for jobs that share a result. A collection depends on what was there before: one a job. */
function workOf(kind: string, spec: unknown, jobId: string): string {
  return canonicalJson(kind === 'collection' ? { kind, jobId } : { kind, spec });
}

/** All manifests, by the work that they are of. */
async function readManifests(store: ObjectStore): Promise<Map<string, Manifest[]>> {
  const manifests = new Map<string, Manifest[]>();
  for (const key of await keysBelow(store, 'work/')) {
    if (!key.endsWith('/manifest.json')) continue;
    const manifest = (await readJson<Manifest>(store, key))!.value;
    const work = workOf(manifest.kind, manifest.spec, manifest.jobId);
    manifests.set(work, [...(manifests.get(work) ?? []), manifest]);
  }
  return manifests;
}

async function keysBelow(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const page = await store.list(prefix, { limit: 1000, ...(keys.length > 0 && { after: keys.at(-1)! }) });
    keys.push(...page.map(({ key }) => key));
    if (page.length < 1000) return keys;
  }
}

/** Objects that a result points to and that aren't there as it says. */
async function missingOf(store: ObjectStore, job: Job): Promise<string[]> {
  const missing: string[] = [];
  for (const { key, sha256 } of referencesIn(job.result?.value)) {
    const stat = await store.stat(key);
    if (stat?.sha256 !== sha256) missing.push(`${key} of job ${job.id} is ${stat ? 'another' : 'not there'}`);
  }
  return missing;
}

function referencesIn(value: unknown): ObjectRef[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('key' in value && 'sha256' in value && value.key !== '') return [value as ObjectRef];
  return Object.values(value).flatMap(referencesIn);
}
