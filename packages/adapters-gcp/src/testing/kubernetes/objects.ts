import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { KubeObject } from './object-types.js';

export type Resource = 'jobs' | 'pods';

export interface ObjectEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: Resource;
  version: number;
  object: KubeObject;
}

/** An answer that is no success, as a `Status`. */
export class ApiStatus extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

const TYPES = { jobs: { apiVersion: 'batch/v1', kind: 'Job' }, pods: { apiVersion: 'v1', kind: 'Pod' } } as const;

/** The API server's storage: each change has a version, and what changed since one can be asked for. */
export interface Objects {
  create(
    resource: Resource,
    object: Pick<KubeObject, 'spec'> &
      Partial<Pick<KubeObject, 'status'>> & {
        metadata: Partial<KubeObject['metadata']> & { name: string; namespace: string };
      },
  ): KubeObject;
  find(resource: Resource, namespace: string, name: string): KubeObject | undefined;
  /** Changes a copy and keeps it; an object that is gone stays so. */
  update(object: KubeObject, change: (draft: KubeObject) => void): KubeObject | undefined;
  remove(object: KubeObject): void;
  all(resource: Resource): KubeObject[];
  readonly version: number;
  /** @throws ApiStatus 410 where that is no longer known */
  since(resource: Resource, version: number): ObjectEvent[];
  /** Forgets what changed, as etcd's compaction does. */
  compact(): void;
  events: EventEmitter<{ change: [ObjectEvent] }>;
}

export function createObjects(): Objects {
  const kept = new Map<string, KubeObject>();
  const events = new EventEmitter<{ change: [ObjectEvent] }>();
  events.setMaxListeners(0);
  let history: ObjectEvent[] = [];
  let version = 100;
  let forgotten = 0;
  const keyOf = (resource: Resource, namespace: string, name: string) => `${resource}/${namespace}/${name}`;
  const resourceOf = ({ kind }: KubeObject): Resource => (kind === 'Job' ? 'jobs' : 'pods');

  function note(type: ObjectEvent['type'], object: KubeObject): void {
    object.metadata.resourceVersion = String(++version);
    const event = { type, resource: resourceOf(object), version, object };
    history.push(event);
    events.emit('change', event);
  }

  return {
    events,
    get version() {
      return version;
    },
    create(resource, given) {
      const { name, namespace } = given.metadata;
      const key = keyOf(resource, namespace, name);
      if (kept.has(key)) {
        throw new ApiStatus(409, 'AlreadyExists', `${resource} "${name}" already exists`);
      }
      const object: KubeObject = {
        status: {},
        ...given,
        ...TYPES[resource],
        metadata: {
          ...given.metadata,
          uid: randomUUID(),
          resourceVersion: '',
          creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
        },
      };
      kept.set(key, object);
      note('ADDED', object);
      return object;
    },
    find: (resource, namespace, name) => kept.get(keyOf(resource, namespace, name)),
    update(object, change) {
      const key = keyOf(resourceOf(object), object.metadata.namespace, object.metadata.name);
      const there = kept.get(key);
      if (there?.metadata.uid !== object.metadata.uid) return undefined;
      const draft = structuredClone(there);
      change(draft);
      if (JSON.stringify(draft) === JSON.stringify(there)) return there;
      kept.set(key, draft);
      note('MODIFIED', draft);
      return draft;
    },
    remove(object) {
      const key = keyOf(resourceOf(object), object.metadata.namespace, object.metadata.name);
      const there = kept.get(key);
      if (there?.metadata.uid !== object.metadata.uid) return;
      kept.delete(key);
      note('DELETED', structuredClone(there));
    },
    all: (resource) => [...kept.values()].filter((object) => resourceOf(object) === resource),
    since(resource, from) {
      if (from < forgotten) throw new ApiStatus(410, 'Expired', `too old resource version: ${from} (${version})`);
      return history.filter((event) => event.resource === resource && event.version > from);
    },
    compact() {
      history = [];
      forgotten = version;
    },
  };
}
