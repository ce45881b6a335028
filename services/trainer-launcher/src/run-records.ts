import { ObjectRef, RunFacts, type Curve } from '@soundstage/contracts';
import { readJson, writeJson, type Platform } from '@soundstage/core';

/**
 * What is known of runs beyond their jobs, as records in the object store, so that it outlives the launcher and every
 * launcher can show it:
 *
 *     training-runs/<id>/facts.json      what the run was given and where it runs
 *     training-runs/<id>/curves.json     its curves so far
 *     training-runs/<id>/page.json       where its page lies, once it has ended
 *     training-runs/<id>/page-….html     that page, and pages that compare the run with another
 */
export interface RunRecords {
  facts(id: string): Promise<RunFacts | undefined>;
  curves(id: string): Promise<Curve[]>;
  page(id: string): Promise<ObjectRef | undefined>;
  write(id: string, what: { facts?: RunFacts; curves?: readonly Curve[]; page?: ObjectRef }): Promise<void>;
  /** Changes with each write. */
  version(id: string): Promise<string>;
}

export function createRunRecords({ store, jobs }: Pick<Platform, 'store' | 'jobs'>): RunRecords {
  const key = (id: string, what: string) => `training-runs/${id}/${what}.json`;
  const read = async (id: string, what: string) => (await readJson<unknown>(store, key(id, what)))?.value;
  return {
    async facts(id) {
      const found = await read(id, 'facts');
      return found === undefined ? undefined : RunFacts.fromJSON(found);
    },
    async curves(id) {
      return ((await read(id, 'curves')) as Curve[] | undefined) ?? [];
    },
    async page(id) {
      const found = await read(id, 'page');
      return found === undefined ? undefined : ObjectRef.fromJSON(found);
    },
    async write(id, { facts, curves, page }) {
      if (facts) await writeJson(store, key(id, 'facts'), RunFacts.toJSON(facts));
      if (curves) await writeJson(store, key(id, 'curves'), curves);
      if (page) await writeJson(store, key(id, 'page'), ObjectRef.toJSON(page));
      jobs.events.emit(`change:${id}`);
    },
    async version(id) {
      const found = await Promise.all(['facts', 'curves'].map((what) => store.stat(key(id, what))));
      return found.map((object) => object?.version ?? '').join('/');
    },
  };
}
