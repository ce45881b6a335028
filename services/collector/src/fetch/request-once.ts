import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { SoundstageError } from '@soundstage/core';
import { refuse } from '../refusal.js';
import type { CheckedUrl } from './check-url.js';
import { sameAddress } from './ip-address.js';

/**
 * One GET to one of the addresses that were checked, and to no other: the name isn't looked up again. Certificates are
 * checked against the name. Redirects are the caller's.
 *
 * @throws a refusal: `unreachable`, `tls`, `too_slow`, `bad_response`
 */
export function requestOnce(
  { url, addresses }: CheckedUrl,
  { headersS, signal }: { headersS: number; signal: AbortSignal },
): Promise<IncomingMessage> {
  const lookup: LookupFunction = (_host, options, give) => {
    const all = addresses.map((address) => ({ address, family: isIP(address) }));
    if (options.all === true) give(null, all);
    else give(null, all[0]!.address, all[0]!.family);
  };
  const options: RequestOptions = {
    method: 'GET',
    // A connection of its own: none that somebody else opened is used again.
    agent: false,
    lookup,
    signal,
    headers: { 'user-agent': 'soundstage-collector', accept: '*/*', 'accept-encoding': 'identity' },
  };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options);
    const timer = setTimeout(
      () => request.destroy(refuse('too_slow', `${url.host} gave no answer within the limit of ${headersS} s.`)),
      headersS * 1000,
    );
    request.on('socket', (socket) =>
      socket.once('connect', () => {
        const { remoteAddress = '' } = socket;
        if (addresses.some((address) => sameAddress(address, remoteAddress))) return;
        request.destroy(refuse('private_address', `The connection to ${url.host} went to another address.`));
      }),
    );
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    // An upgrade or tunnel isn't asked for; whoever offers one gets nothing.
    request.once('upgrade', (_response, socket) => {
      socket.destroy();
      reject(refuse('bad_response', `${url.host} answers in a way that isn't HTTP.`));
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(connectionError(error, url));
    });
    request.end();
  });
}

function connectionError(error: NodeJS.ErrnoException, url: URL): SoundstageError {
  if (error instanceof SoundstageError) return error;
  const code = error.code ?? '';
  if (error.name === 'AbortError') return SoundstageError.from(error);
  if (code.startsWith('HPE_')) {
    return refuse('bad_response', `${url.host} answers in a way that isn't HTTP (${code}).`, { cause: error });
  }
  if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || code.includes('CERT') || code === 'EPROTO') {
    return refuse('tls', `${url.host} can't prove who it is (${code}).`, { cause: error });
  }
  return refuse('unreachable', `${url.host} can't be reached (${code || error.message}).`, { cause: error });
}
