import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ServiceProcess {
  pid: number;
  address: string;
  /** Sends a signal and waits for the end. @returns the exit code, null when killed */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a service's `main.js` as a process of its own, on a free port, and waits until it serves. */
export async function startServiceProcess(mainPath: string, env: Record<string, string>): Promise<ServiceProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainPath], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      SOUNDSTAGE_LISTEN: '127.0.0.1:0',
      SOUNDSTAGE_LEASE_S: '1',
      ...env,
      SOUNDSTAGE_LOG_LEVEL: 'info',
    },
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const printed: string[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      printed.push(line);
      if (line.includes('"msg":"serving"')) resolve((JSON.parse(line) as { address: string }).address);
    });
    void ended.then(([code]) => reject(new Error(`the service ended with ${code}:\n${printed.join('\n')}`)));
  });
  return {
    pid: child.pid!,
    address,
    async stop(signal) {
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
  };
}
