import { untilInterrupted } from '../interrupt.js';
import { connect, type Connection } from './connect.js';
import type { ServiceName } from './services.js';

/** What every command that asks a service can be told. */
export interface ServiceOptions {
  server?: string;
  json?: boolean;
}

/** Runs a command on a service, in this process or at a server, until it is done or interrupted. */
export async function withService(
  service: ServiceName,
  options: ServiceOptions,
  work: (connection: Connection, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await untilInterrupted(async (signal) => {
    const connection = await connect([service], options);
    try {
      await work(connection, signal);
    } finally {
      await connection.close();
    }
  });
}

/** Prints the answer, as one JSON object where that was asked for. */
export const say = (options: ServiceOptions, json: () => unknown, text: () => string) =>
  process.stdout.write(options.json ? `${JSON.stringify(json())}\n` : text());
