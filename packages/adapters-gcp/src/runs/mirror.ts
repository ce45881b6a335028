import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '@soundstage/core/errors';
import { httpStatus, KubernetesHttpError, mayPass } from './api-errors.js';
import type { ApiClient } from './api-client.js';
import { chunksOf } from './quiet-stream.js';

/** An object of Kubernetes, as far as a mirror looks at it. */
export interface Mirrored {
  metadata?: { uid?: string };
}

export interface MirrorOptions {
  resource: 'jobs' | 'pods';
  /** `fieldSelector` and `labelSelector`. */
  query: Record<string, string>;
  /** A watch that says nothing for so long is given up: the list that follows is the truth. */
  quietMs: number;
  signal: AbortSignal;
  /** Called after each list and each event. */
  onChange: () => void;
}

/** The objects that a selector means, as they were a moment ago. */
export interface Mirror<T extends Mirrored> {
  items(): T[];
  /** Lists once. @throws KubernetesHttpError, SoundstageError */
  list(): Promise<void>;
  /** Keeps it up to date until the signal is aborted. @throws what makes it give up */
  keep(): Promise<void>;
}

interface List<T> {
  metadata?: { resourceVersion?: string };
  items?: T[];
}

interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T & { code?: number; message?: string };
}

/** The server ends a watch by itself after so long; ours to ask for. */
const WATCH_S = 300;
const PAUSE_FIRST_MS = 50;
const PAUSE_LAST_MS = 10_000;

/**
 * Mirrors what the API lists. The list is the truth, and a watch from the list's version only makes it fast: whatever
 * ends the watch (the server's time limit, a broken or silent line, 410 for a version that is too old, 429), a new list
 * follows.
 */
export function createMirror<T extends Mirrored>(api: ApiClient, options: MirrorOptions): Mirror<T> {
  const { resource, query, signal, onChange } = options;
  const call = { verb: 'watch', resource, namespace: api.namespace } as const;
  let objects = new Map<string, T>();
  let version: string | undefined;

  async function list(): Promise<void> {
    const { metadata, items = [] } = await api.call<List<T>>({ verb: 'list', resource }, { query, signal });
    objects = new Map(items.map((item) => [item.metadata?.uid ?? '', item]));
    version = metadata?.resourceVersion;
    onChange();
  }

  /** @throws KubernetesHttpError, KubernetesLineError when the watch can't go on */
  async function watch(onEvent: () => void): Promise<void> {
    const answer = await api.open(call, {
      query: { ...query, watch: true, resourceVersion: version, allowWatchBookmarks: true, timeoutSeconds: WATCH_S },
      signal,
    });
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for await (const chunk of chunksOf(answer, call, () => options.quietMs)) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop()!;
      for (const line of lines.filter((text) => text !== '')) {
        hear(JSON.parse(line) as WatchEvent<T>);
        onEvent();
      }
    }
  }

  function hear({ type, object }: WatchEvent<T>): void {
    if (type === 'ERROR') throw new KubernetesHttpError(call, object.code ?? 500, object.message ?? '');
    if (type === 'BOOKMARK') return;
    const uid = object.metadata?.uid ?? '';
    if (type === 'DELETED') objects.delete(uid);
    else objects.set(uid, object);
    onChange();
  }

  return {
    items: () => [...objects.values()],
    list,

    async keep() {
      let pauseMs = PAUSE_FIRST_MS;
      while (!signal.aborted) {
        let minPauseMs = 0;
        const openedMs = performance.now();
        try {
          await watch(() => (pauseMs = PAUSE_FIRST_MS));
        } catch (thrown) {
          throwIfAborted(signal);
          const verdict = httpStatus(thrown) === 410 || thrown instanceof SyntaxError || mayPass(thrown);
          if (verdict === false) throw thrown;
          minPauseMs = Number(verdict === true ? 0 : verdict);
        }
        if (performance.now() - openedMs > PAUSE_LAST_MS / 2) pauseMs = PAUSE_FIRST_MS;
        await sleep(Math.max(pauseMs, minPauseMs), undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, PAUSE_LAST_MS);
        throwIfAborted(signal);
        await list();
      }
    },
  };
}
