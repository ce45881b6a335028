import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createContainerLog, type ContainerLog } from './container-log.js';
import type { ContainerSpec, Terminated } from './object-types.js';

/** A container whose program is a process of this machine. */
export interface Container {
  log: ContainerLog;
  /** SIGTERM to the program, as its process 1 is told; SIGKILL to all after the grace period. */
  stop(graceS: number): void;
  /** SIGKILL to all, as the kernel does where memory runs out. */
  kill(): void;
  readonly pid: number | undefined;
}

/** So long a program's output is waited for that outlives it. */
const REST_OF_OUTPUT_MS = 200;

/**
 * Runs a container's command. Volumes that are empty folders lie below `folder`, and the working folder and environment
 * name them there; all other paths are this machine's own.
 */
export function runContainer(
  spec: ContainerSpec,
  emptyVolumes: readonly string[],
  folder: string,
  onEnd: (end: Terminated) => void,
): Container {
  const log = createContainerLog();
  // The innermost first: the shared volume may be mounted below /tmp.
  const mounts = [...(spec.volumeMounts ?? [])].sort((a, b) => b.mountPath.length - a.mountPath.length);
  for (const name of emptyVolumes) mkdirSync(join(folder, name), { recursive: true });
  const placed = (path: string) => {
    const mount = mounts.find(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`));
    // A checkout may lie below /tmp itself.
    const isOwn = path !== mount?.mountPath && existsSync(path);
    return mount && emptyVolumes.includes(mount.name) && !isOwn
      ? join(folder, mount.name, path.slice(mount.mountPath.length))
      : path;
  };
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
  for (const { name, value = '' } of spec.env ?? []) env[name] = placed(expand(value, env));
  const [program = '/bin/sh', ...args] = [...(spec.command ?? []), ...(spec.args ?? [])].map((text) =>
    expand(text, env),
  );

  let child: ChildProcess | undefined;
  let ended = false;
  const end = (terminated: Terminated) => {
    if (ended) return;
    ended = true;
    log.close();
    onEnd(terminated);
  };
  const notStarted = (said: string) =>
    end({
      exitCode: 128,
      reason: 'StartError',
      message: `failed to create containerd task: exec: "${program}": ${said}: unknown`,
    });
  const signalAll = (signal: NodeJS.Signals) => {
    try {
      if (child?.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // They have all ended.
    }
  };
  try {
    child = spawn(program, args, {
      cwd: spec.workingDir === undefined ? folder : placed(spec.workingDir),
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.once('error', (error) =>
      notStarted(
        (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? `stat ${program}: no such file or directory`
          : error.message,
      ),
    );
    for (const stream of [child.stdout!, child.stderr!]) log.take(stream);
    child.once('exit', (code, signal) => {
      signalAll('SIGKILL');
      const exitCode = code ?? 128 + constants.signals[signal!];
      const reason = exitCode === 0 ? 'Completed' : 'Error';
      const closed = new EventEmitter();
      const limit = setTimeout(() => closed.emit('done'), REST_OF_OUTPUT_MS);
      child!.once('close', () => closed.emit('done'));
      closed.once('done', () => {
        clearTimeout(limit);
        end({ exitCode, reason });
      });
    });
  } catch (thrown) {
    notStarted((thrown as Error).message);
  }
  return {
    log,
    get pid() {
      return child?.pid;
    },
    stop(graceS) {
      child?.kill('SIGTERM');
      setTimeout(() => signalAll('SIGKILL'), graceS * 1000).unref();
    },
    kill: () => signalAll('SIGKILL'),
  };
}

/** `$(NAME)` and `$$`, https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/ */
function expand(text: string, env: Record<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (all, name: string | undefined) =>
    all === '$$' ? '$' : (env[name!] ?? all),
  );
}
