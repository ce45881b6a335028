import { readFileSync } from 'node:fs';
import { ChannelCredentials, InterceptingCall, type ClientOptions, type Interceptor } from '@grpc/grpc-js';
import { z } from 'zod';
import { readConfig } from '../config.js';
import { badInput } from '../errors.js';
import { isLoopback } from './config.js';
import { watchFiles } from './watched-file.js';

/** How a client reaches servers. */
const clientConfig = {
  /** PEM file of the authorities whose certificates are taken; switches TLS on. `system`: those of this machine. */
  SOUNDSTAGE_TLS_CA: z.string().optional(),
  /** File with the key or token that is sent with each call; read again when it changes. */
  SOUNDSTAGE_TOKEN_FILE: z.string().optional(),
};

export interface ClientSecurity {
  /** Roots of certificates; null: the machine's own. Undefined: in clear. */
  roots?: Buffer | null;
  token?: () => string;
  /** The server is this very process: its certificate needs no proof. */
  own?: boolean;
}

/** Reads the environment. @throws BAD_INPUT for files that can't be read */
export function readClientSecurity(env: NodeJS.ProcessEnv = process.env): ClientSecurity {
  const { SOUNDSTAGE_TLS_CA: ca, SOUNDSTAGE_TOKEN_FILE: tokenFile } = readConfig(clientConfig, env);
  return {
    ...(ca === undefined
      ? {}
      : { roots: ca === 'system' ? null : readOr('SOUNDSTAGE_TLS_CA', () => readFileSync(ca)) }),
    ...(tokenFile === undefined ? {} : { token: readOr('SOUNDSTAGE_TOKEN_FILE', () => watchToken(tokenFile)) }),
  };
}

function watchToken(path: string): () => string {
  const read = ([content]: Buffer[]) => {
    const token = content!.toString('utf8').trim();
    if (!/^\S+$/.test(token)) throw badInput(`${path} must hold one key or token, and nothing else.`);
    return token;
  };
  return watchFiles([path], read, () => undefined);
}

function readOr<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw badInput(`${field} can't be used: ${code ?? message}.`, field, error);
  }
}

/** Credentials and options of clients of one address. */
export interface Channel {
  credentials: ChannelCredentials;
  options: ClientOptions;
  /** What is not as it should be: a token that others on the way can read. */
  warning?: string;
}

export function channelTo(address: string, { roots, token, own }: ClientSecurity): Channel {
  const secure = roots !== undefined || own === true;
  const credentials = !secure
    ? ChannelCredentials.createInsecure()
    : ChannelCredentials.createSsl(roots, null, null, own ? { rejectUnauthorized: false } : undefined);
  const inClear = token !== undefined && !secure && !isLoopback(address);
  return {
    credentials,
    options: token ? { interceptors: [sendToken(token)] } : {},
    ...(inClear
      ? { warning: `The token goes to ${address} in clear, for whoever is on the way to read: set SOUNDSTAGE_TLS_CA.` }
      : {}),
  };
}

/** Not as call credentials, which the library takes over TLS alone: on a loopback address there is none. */
function sendToken(token: () => string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set('authorization', `Bearer ${token()}`);
        next(metadata, listener);
      },
    });
}
