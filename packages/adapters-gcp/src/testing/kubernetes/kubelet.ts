import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runContainer, type Container } from './container.js';
import type { ContainerSpec, ContainerStatus, KubeObject, Terminated } from './object-types.js';
import { ApiStatus, type Objects } from './objects.js';

/** The machines that pods run on: this one, which runs each pod's one container as a process. */
export interface Kubelet {
  /** Pods wait so long for a node, milliseconds. */
  scheduleMs: number;
  /** Images that can't be pulled. */
  missingImages: Set<string>;
  /** @throws ApiStatus 400 where the container hasn't started */
  logOf(pod: KubeObject): Container['log'];
  containerOf(name: string): Container | undefined;
  /** As the kernel does where a pod takes more than its limit. */
  runOutOfMemory(name: string): void;
  /** A Spot node goes away: its kubelet stops the pod, which is a disruption, and keeps its record. */
  endNode(name: string): void;
  close(): Promise<void>;
}

interface Placed {
  pod: KubeObject;
  folder: string;
  container?: Container;
  /** Why it is being stopped, for the pod's status. */
  stopReason?: string | undefined;
  outOfMemory?: boolean;
  stopping?: boolean;
  timers: NodeJS.Timeout[];
}

const now = () => new Date().toISOString().replace(/\.\d+/, '');

export function startKubelet(objects: Objects): Kubelet {
  const placed = new Map<string, Placed>();

  function place(pod: KubeObject): void {
    const place: Placed = { pod, folder: mkdtempSync(join(tmpdir(), 'soundstage-pod-')), timers: [] };
    placed.set(pod.metadata.uid, place);
    place.timers.push(setTimeout(() => pull(place), kubelet.scheduleMs));
  }

  const specOf = ({ pod }: Placed): ContainerSpec => pod.spec.containers[0]!;

  function pull(place: Placed): void {
    const { image } = specOf(place);
    const waits = (reason: string, message?: string) => {
      update(place, ({ status }) => void (status.startTime ??= now()));
      setState(place, 'Pending', { waiting: { reason, message } });
    };
    if (!kubelet.missingImages.has(image ?? '')) {
      waits('ContainerCreating');
      return run(place);
    }
    waits('ImagePullBackOff', `Back-off pulling image "${image}"`);
    place.timers.push(setTimeout(() => pull(place), 100));
  }

  function run(place: Placed): void {
    if (place.stopping) return end(place, { exitCode: 0, reason: 'Completed' }, false);
    const { spec } = place.pod;
    const empty = (spec.volumes ?? []).filter(({ emptyDir }) => emptyDir).map(({ name }) => name);
    // A status of the start before one of the end, even where both come at once.
    let ended: Terminated | undefined;
    let started = false;
    place.container = runContainer(specOf(place), empty, place.folder, (terminated) => {
      ended = terminated;
      if (started) end(place, terminated);
    });
    if (place.container.pid !== undefined) setState(place, 'Running', { running: { startedAt: now() } });
    started = true;
    if (ended) return end(place, ended);
    if (spec.activeDeadlineSeconds !== undefined) {
      place.timers.push(setTimeout(() => stop(place, 'DeadlineExceeded'), spec.activeDeadlineSeconds * 1000));
    }
  }

  function stop(place: Placed, reason?: string): void {
    if (place.stopping) return;
    place.stopping = true;
    place.stopReason = reason;
    if (place.container) place.container.stop(place.pod.spec.terminationGracePeriodSeconds ?? 30);
    else end(place, undefined);
  }

  function end(place: Placed, terminated: Terminated | undefined, known = true): void {
    place.timers.forEach(clearTimeout);
    const succeeded = known && terminated?.exitCode === 0 && place.stopReason === undefined;
    update(place, ({ status }) => {
      status.phase = succeeded ? 'Succeeded' : 'Failed';
      if (place.stopReason) status.reason = place.stopReason;
      if (!terminated || !known) return void delete status.containerStatuses;
      const ended = { ...terminated, ...(place.outOfMemory ? { reason: 'OOMKilled' } : {}), finishedAt: now() };
      status.containerStatuses = [statusOf(place, { terminated: ended })];
    });
    settle(place);
  }

  /** A pod that was deleted goes when its programs have ended and the Job controller has counted it. */
  function settle(place: Placed): void {
    const { metadata, status } = place.pod;
    const over = status.phase === 'Succeeded' || status.phase === 'Failed';
    if (over && metadata.deletionTimestamp !== undefined && !metadata.finalizers?.length) objects.remove(place.pod);
  }

  function setState(place: Placed, phase: string, state: ContainerStatus['state']): void {
    update(place, ({ status }) => {
      status.phase = phase;
      status.containerStatuses = [statusOf(place, state)];
    });
  }

  function statusOf(place: Placed, state: ContainerStatus['state']): ContainerStatus {
    const { name, image } = specOf(place);
    return { name, ...(image === undefined ? {} : { image }), ready: 'running' in state, restartCount: 0, state };
  }

  function update(place: Placed, change: (draft: KubeObject) => void): void {
    place.pod = objects.update(place.pod, change) ?? place.pod;
  }

  const onChange = ({ resource, type, object }: { resource: string; type: string; object: KubeObject }) => {
    if (resource !== 'pods') return;
    const there = placed.get(object.metadata.uid);
    if (type === 'ADDED') return place(object);
    if (!there) return;
    if (type === 'DELETED') {
      there.container?.kill();
      there.timers.forEach(clearTimeout);
      placed.delete(object.metadata.uid);
      rmSync(there.folder, { recursive: true, force: true });
      return;
    }
    there.pod = object;
    if (object.metadata.deletionTimestamp === undefined) return;
    if (object.status.phase === 'Succeeded' || object.status.phase === 'Failed') settle(there);
    else stop(there);
  };
  objects.events.on('change', onChange);

  const named = (name: string) => [...placed.values()].find(({ pod }) => pod.metadata.name === name);
  const kubelet: Kubelet = {
    scheduleMs: 0,
    missingImages: new Set(),
    logOf({ metadata: { uid, name } }) {
      const container = placed.get(uid)?.container;
      if (container) return container.log;
      throw new ApiStatus(400, 'BadRequest', `container "run" in pod "${name}" is waiting to start: ContainerCreating`);
    },
    containerOf: (name) => named(name)?.container,
    runOutOfMemory(name) {
      const place = named(name)!;
      place.outOfMemory = true;
      place.container!.kill();
    },
    endNode(name) {
      const place = named(name)!;
      update(place, (draft) => {
        draft.status.conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }];
      });
      stop(place, 'Terminated');
    },
    async close() {
      objects.events.off('change', onChange);
      for (const { container, timers, folder } of placed.values()) {
        timers.forEach(clearTimeout);
        container?.kill();
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      }
    },
  };
  return kubelet;
}
