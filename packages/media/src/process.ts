import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { SoundstageError, throwIfAborted } from '@soundstage/core';
import { createDiagnosis, explainEnding, type Finding } from './diagnosis.js';
import type { MediaLimits } from './limits.js';
import type { MediaFile } from './media-file.js';
import { canEndWithUs, findProgram, type Program } from './programs.js';

/** How long a process may take to stop by itself before it is killed. */
const GRACE_MS = 1500;
const MAX_LINE_LENGTH = 64 * 1024;

export interface ProcessOptions {
  program: Program;
  args: readonly string[];
  /** Files that the process reads: the first is its descriptor 3 (`file:/dev/fd/3`), the next 4 and so on. */
  files: readonly MediaFile[];
  /** How many pipes it writes to; their descriptors follow those of the files. */
  pipes?: number;
  /** Whether it reads `pipe:0`. */
  stdin?: boolean;
  /** Time that it may take, without the time in which the clock was paused. */
  timeLimitS: number;
  limits: MediaLimits;
  /** What is worked on, as shown in errors. */
  subject: string;
  signal?: AbortSignal | undefined;
  /** Gets each line of standard output. */
  onOutputLine?: (line: string) => void;
  /** Gets each line of the log; true keeps it out of the diagnosis. */
  onLogLine?: (line: string) => boolean;
}

export interface RunningProcess {
  readonly pid: number;
  readonly stdin: Writable | undefined;
  readonly pipes: readonly Readable[];
  /** Ends with what the log told, or with the SoundstageError that explains the failure. */
  readonly done: Promise<{ findings: ReadonlySet<Finding> }>;
  /** Stops the process at once for this reason; `done` fails with it. */
  stop(reason: SoundstageError): void;
  /** Holds the time limit while nobody takes what the process gives. */
  pauseClock(): void;
  resumeClock(): void;
}

const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
});

/** How many ffmpeg and ffprobe processes of this package are alive. For tests and metrics. */
export function runningProcesses(): number {
  return running.size;
}

/**
 * Starts ffmpeg or ffprobe with limits on time and memory and an environment without secrets.
 * Errors: CANCELLED, DEADLINE_EXCEEDED, EXHAUSTED (disk), UNAVAILABLE (not installed, killed from outside), BAD_INPUT.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  throwIfAborted(options.signal);
  const { program, subject, limits } = options;
  const [path, endsWithUs] = await Promise.all([findProgram(program), canEndWithUs()]);
  throwIfAborted(options.signal);

  // The shell sets limits that Node can't set, then becomes the program: same process id, same descriptors.
  const script =
    `ulimit -c 0; ulimit -v ${Math.ceil(limits.memoryBytes / 1024)} 2>/dev/null; ` +
    `exec ${endsWithUs ? 'setpriv --pdeathsig KILL ' : ''}"$@"`;
  const child = spawn('/bin/sh', ['-c', script, 'sh', path, ...options.args], {
    stdio: [
      options.stdin ? 'pipe' : 'ignore',
      'pipe',
      'pipe',
      ...options.files.map((file) => file.handle.fd),
      ...Array.from({ length: options.pipes ?? 0 }, () => 'pipe' as const),
    ],
    env: cleanEnvironment(),
  });
  const pipes = child.stdio.slice(3 + options.files.length) as Readable[];
  const diagnosis = createDiagnosis();
  let stopReason: SoundstageError | undefined;
  let killTimer: NodeJS.Timeout | undefined;

  const stop = (reason: SoundstageError) => {
    if (stopReason !== undefined || child.exitCode !== null || child.signalCode !== null) return;
    stopReason = reason;
    child.kill('SIGTERM');
    killTimer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    for (const pipe of pipes) pipe.destroy();
    child.stdin?.destroy();
  };
  const onAbort = () => stop(SoundstageError.from(options.signal?.reason));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const clock = createClock(options.timeLimitS, () =>
    stop(
      new SoundstageError('DEADLINE_EXCEEDED', `${program} took longer than ${options.timeLimitS} s for ${subject}.`),
    ),
  );

  const done = (async () => {
    try {
      const log = readLines(child.stderr as Readable, (line) => {
        if (options.onLogLine?.(line) !== true) diagnosis.note(line);
      });
      const output = readLines(child.stdout as Readable, (line) => options.onOutputLine?.(line));
      const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
        child.once('exit', (code, signal) => resolve([code, signal]));
        child.once('error', reject);
      });
      const [[code, signal]] = await Promise.all([ended, log, output]);
      if (stopReason !== undefined) throw stopReason;
      const error = explainEnding({ program, subject, code, signal, limits }, diagnosis);
      if (error !== undefined) throw error;
      return { findings: diagnosis.findings };
    } catch (error) {
      throw SoundstageError.from(error);
    } finally {
      clock.end();
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', onAbort);
      if (child.pid !== undefined) running.delete(child.pid);
    }
  })();
  done.catch(() => {}); // The caller may look at it only later.

  if (child.pid === undefined) {
    await done;
    throw new SoundstageError('UNAVAILABLE', `${program} could not be started.`);
  }
  running.add(child.pid);
  // A failing pipe (the other end is gone) shows as the end of the process, which is what is reported.
  for (const stream of [child.stdin, ...pipes]) stream?.on('error', () => {});
  return {
    pid: child.pid,
    stdin: child.stdin ?? undefined,
    pipes,
    done,
    stop,
    pauseClock: clock.pause,
    resumeClock: clock.resume,
  };
}

/** Runs a process to its end and returns its standard output. */
export async function runProcess(
  options: ProcessOptions & { maxOutputBytes?: number },
): Promise<{ output: string; findings: ReadonlySet<Finding> }> {
  const lines: string[] = [];
  let size = 0;
  let tooMuch = false;
  const child = await startProcess({
    ...options,
    onOutputLine: (line) => {
      size += line.length + 1;
      tooMuch = size > (options.maxOutputBytes ?? 16 * 2 ** 20);
      if (!tooMuch) lines.push(line);
      else child.stop(new SoundstageError('BAD_INPUT', `${options.subject} has more headers than can be read.`));
    },
  });
  const { findings } = await child.done;
  return { output: lines.join('\n'), findings };
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'];
  const known = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  return { ...Object.fromEntries(known), LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' };
}

async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    // ffmpeg ends its status line with a carriage return.
    if (rest.length > MAX_LINE_LENGTH && !/[\r\n]/.test(text)) return;
    const lines = (rest + text).split(/[\r\n]/);
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  await finished(stream, { error: true }).catch(() => {});
  if (rest !== '') onLine(rest);
}

/** A count-down that can be held. */
function createClock(limitS: number, onExpired: () => void) {
  let leftMs = limitS * 1000;
  let startedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  const resume = () => {
    if (timer !== undefined || ended) return;
    startedAt = performance.now();
    timer = setTimeout(onExpired, Math.max(0, Math.min(leftMs, 2 ** 31 - 1)));
  };
  const pause = () => {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    leftMs -= performance.now() - startedAt;
  };
  resume();
  return {
    pause,
    resume,
    end: () => {
      pause();
      ended = true;
    },
  };
}
