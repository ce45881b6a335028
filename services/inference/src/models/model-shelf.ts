import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError } from '@soundstage/core';
import type { OpenModel } from '@soundstage/models';
import type { ModelPlace } from './model-places.js';

export interface ShelfOptions<Name extends string> {
  names: readonly Name[];
  /** The versions that a model may be taken from, best first. */
  places(name: Name): Promise<readonly ModelPlace[]>;
  /** Of the models that can be had, those that are to be open. */
  needed(available: ReadonlySet<Name>): readonly Name[];
  /** Without these the shelf can't be opened; any other may be missing. */
  required: readonly Name[];
  /** Opens the model in a folder and makes sure that it does what its name stands for; throws what speaks against it. */
  open(name: Name, folder: string): Promise<OpenModel>;
  /** Called with all models before they are given out; what it throws speaks against the new ones. */
  prepare?(models: ReadonlyMap<Name, OpenModel>): Promise<void>;
  log?: ModelLog | undefined;
}

/** Where it is told what was exchanged and what wasn't; a service's logger is one. */
export interface ModelLog {
  info(facts: ModelNews, message: string): void;
  warn(facts: ModelNews, message: string): void;
  error(facts: ModelNews, message: string): void;
}

export interface ModelNews {
  model?: string;
  err?: unknown;
  /** Versions. */
  from?: string;
  to?: string | null;
  /** Which version it was that was not taken. */
  place?: string;
  /** Whether it is tried again. */
  again?: boolean;
}

/** Models that are open, each in the best version that there is; they can be exchanged while they are used. */
export interface ModelShelf<Name extends string> {
  /** The models of this moment. */
  current(): ReadonlyMap<Name, OpenModel>;
  /** Keeps these models open, exchanged or not, until release() was called. Those that aren't there are left out. */
  hold(names: readonly Name[]): { models: ReadonlyMap<Name, OpenModel>; release(): void };
  /** Looks whether other versions are to be taken, and takes them. Never throws: what can't be taken is logged. */
  refresh(): Promise<void>;
  /** Refreshes every so many milliseconds. */
  follow(everyMs: number): void;
  /** Closes all of them, held or not. */
  close(): Promise<void>;
}

/** An open model and how many hold it; the shelf itself is one of them as long as it is current. */
interface Shared {
  model: OpenModel;
  placeId: string;
  promoted: boolean;
  holders: number;
}

/**
 * Opens what is needed. A version that can't be had or fails its test is not taken: logged, and the one before stays, at
 * the start the next best. New versions are opened beside the old ones, and exchanged all at once; an old one is closed
 * when nobody holds it any more.
 *
 * Throws SoundstageError where a needed model can't be opened in any version.
 */
export async function openShelf<Name extends string>(options: ShelfOptions<Name>): Promise<ModelShelf<Name>> {
  const { log } = options;
  const stop = new AbortController();
  const refused = new Set<string>();
  const closing = new Set<Promise<void>>();
  type Shelf = Map<Name, Shared>;
  let shelf: Shelf = new Map();
  let working: Promise<unknown> = Promise.resolve();

  const letGo = (shared: Shared): void => {
    if (--shared.holders > 0) return;
    const closed = shared.model.close().catch((error: unknown) => log?.warn({ err: error }, 'a model was not closed'));
    closing.add(closed);
    void closed.finally(() => closing.delete(closed));
  };

  /** The best version that works, or undefined to leave what is there. */
  const better = async (name: Name, places: readonly ModelPlace[]): Promise<Shared | undefined> => {
    const old = shelf.get(name);
    let failure: unknown;
    for (const place of places) {
      const key = `${name} ${place.id}`;
      if (place.id === old?.placeId) return undefined;
      if (refused.has(key)) {
        if (old !== undefined) return undefined;
        continue;
      }
      try {
        const model = await options.open(name, await place.folder());
        return { model, placeId: place.id, promoted: place.promoted, holders: 1 };
      } catch (thrown) {
        const error = SoundstageError.from(thrown);
        failure = error;
        if (!error.retryable) refused.add(key);
        const instead = old === undefined ? 'the next best is tried' : `${old.model.card.version} stays`;
        log?.error({ err: error, model: name, place: place.id, again: error.retryable }, `model not taken: ${instead}`);
        if (old !== undefined) return undefined;
      }
    }
    if (options.required.includes(name) && old === undefined) throw failure === undefined ? notHere(name) : SoundstageError.from(failure);
    return undefined;
  };

  /** Those of the fresh ones that do their work together with the rest; the others are refused. */
  const fitting = async (kept: Shelf, fresh: Shelf): Promise<Shelf> => {
    const failure = await unfitness(kept, fresh);
    if (failure === undefined) return fresh;
    // Two that fit each other alone were tried together; now each by itself, so that one bad one keeps no good one out.
    const good: Shelf = new Map();
    for (const [name, shared] of fresh) {
      const old = shelf.get(name);
      const alone = fresh.size === 1 ? failure : old && (await unfitness(new Map([...shelf, ...good]), new Map([[name, shared]])));
      if (alone === undefined && old !== undefined) {
        good.set(name, shared);
        continue;
      }
      if (shared.promoted && !(alone ?? failure).retryable) refused.add(`${name} ${shared.placeId}`);
      log?.error({ err: alone ?? failure, model: name, place: shared.placeId }, 'model not taken: it does not fit');
      letGo(shared);
    }
    if (shelf.size === 0) throw failure;
    return good;
  };

  const unfitness = async (kept: Shelf, fresh: Shelf): Promise<SoundstageError | undefined> => {
    if (fresh.size === 0) return undefined;
    try {
      await options.prepare?.(modelsOf(new Map([...kept, ...fresh])));
      return undefined;
    } catch (error) {
      return SoundstageError.from(error);
    }
  };

  const exchange = async (): Promise<void> => {
    const places = new Map<Name, readonly ModelPlace[]>();
    for (const name of options.names) places.set(name, await options.places(name));
    const available = new Set(
      options.names.filter((name) =>
        places.get(name)!.some(({ id }) => shelf.has(name) || !refused.has(`${name} ${id}`)),
      ),
    );
    const needed = new Set(options.needed(available));
    const settled = await Promise.allSettled(
      [...needed].map(async (name) => [name, await better(name, places.get(name)!)] as const),
    );
    let fresh: Shelf = new Map();
    for (const result of settled)
      if (result.status === 'fulfilled' && result.value[1] !== undefined) fresh.set(result.value[0], result.value[1]);
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      for (const shared of fresh.values()) letGo(shared);
      throw SoundstageError.from(failed.reason);
    }
    fresh = await fitting(new Map([...shelf].filter(([name]) => needed.has(name) && !fresh.has(name))), fresh);
    const before = shelf;
    shelf = new Map([...[...before].filter(([name]) => needed.has(name)), ...fresh]);
    for (const [name, shared] of before) {
      const now = shelf.get(name);
      if (now === shared) continue;
      log?.info({ model: name, from: shared.model.card.version, to: now?.model.card.version ?? null }, 'model exchanged');
      letGo(shared);
    }
  };

  /** What was refused just now may have a next best, or something else to take its place. */
  const settle = async (): Promise<void> => {
    for (;;) {
      const before = refused.size;
      const failure = await exchange().then(
        () => undefined,
        (error: unknown) => SoundstageError.from(error),
      );
      if (refused.size > before) continue;
      if (failure === undefined) return;
      await Promise.all(closing);
      throw failure;
    }
  };

  const refresh = (): Promise<void> => {
    const mine = working.then(async () => {
      if (!stop.signal.aborted) await settle();
    });
    working = mine.catch((error: unknown) => {
      log?.error({ err: error }, 'models could not be looked for or taken: those that are open stay');
    });
    return working as Promise<void>;
  };

  await settle();
  return {
    current: () => modelsOf(shelf),
    hold(names) {
      const held = names.flatMap((name) => {
        const shared = shelf.get(name);
        return shared === undefined ? [] : [[name, shared] as const];
      });
      for (const [, shared] of held) shared.holders++;
      let released = false;
      return {
        models: modelsOf(new Map(held)),
        release() {
          if (released) return;
          released = true;
          for (const [, shared] of held) letGo(shared);
        },
      };
    },
    refresh,
    follow(everyMs) {
      void (async () => {
        for (;;) {
          await sleep(everyMs, undefined, { signal: stop.signal, ref: false });
          await refresh();
        }
      })().catch(() => undefined); // stopped
    },
    async close() {
      stop.abort();
      await working;
      for (const shared of shelf.values()) {
        shared.holders = 1;
        letGo(shared);
      }
      await Promise.all(closing);
    },
  };
}

function notHere(name: string): SoundstageError {
  return new SoundstageError('NOT_FOUND', `There is no model ${name}: restore the models from the release.`);
}

function modelsOf<Name extends string>(shelf: ReadonlyMap<Name, Shared>): ReadonlyMap<Name, OpenModel> {
  return new Map([...shelf].map(([name, { model }]) => [name, model]));
}
