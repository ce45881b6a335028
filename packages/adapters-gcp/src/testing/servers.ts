import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server of somebody else's that a test has started. */
export interface TestServer {
  /** `host:port`. */
  address: string;
  process: ChildProcess;
  /** As the machine going down would: at once. */
  kill(): Promise<void>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a program in a process group of its own and waits until it listens. @throws Error with its output */
export async function startServer(
  program: string,
  args: readonly string[],
  port: number,
  env: Record<string, string> = {},
): Promise<TestServer> {
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output = (output + data.toString()).slice(-4000)));
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => ((output += error.message), resolve()));
    child.once('exit', () => resolve());
  });
  let gone = false;
  void exited.then(() => (gone = true));
  const kill = async () => {
    if (!gone && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await exited;
  };
  for (const endMs = Date.now() + 60_000; !(await listens(port));) {
    if (gone || Date.now() > endMs) {
      await kill();
      throw new Error(`${program} doesn't serve: ${output}`);
    }
    await sleep(100);
  }
  return { address: `127.0.0.1:${port}`, process: child, kill };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
