import type { SignedAddress as AddressMessage } from '@soundstage/contracts';
import { SoundstageError } from '../errors.js';
import type { SignedAddress, SignedAddresses, SignedDownloadOptions } from '../ports/signed-addresses.js';
import type { Logger } from '../telemetry/log.js';
import type { SentContent } from '../uploads.js';

/** After a signature that failed none is tried for so long. */
const PAUSE_MS = 60_000;
const LONGEST_DOWNLOAD_S = 3600;

/** Signed addresses as messages; undefined where there are none, so that clients go by the service instead. */
export interface Signer {
  /** Where the addresses lead; empty where there are none at the moment. */
  origin(): string;
  upload(content: SentContent): Promise<AddressMessage | undefined>;
  download(key: string, options: SignedDownloadOptions): Promise<AddressMessage | undefined>;
}

/**
 * Signs where the store can. Where it should but can't, for want of a role for example, that is logged once a minute
 * and clients go by the service.
 */
export function createSigner(signed: SignedAddresses | undefined, log: Logger): Signer {
  let pausedUntilMs = 0;
  const available = () => (signed && Date.now() >= pausedUntilMs ? signed : undefined);

  async function sign(make: (addresses: SignedAddresses) => Promise<SignedAddress>) {
    const addresses = available();
    if (!addresses) return undefined;
    try {
      return toMessage(await make(addresses));
    } catch (error) {
      if (SoundstageError.from(error).reason !== 'UNAVAILABLE') throw error;
      pausedUntilMs = Date.now() + PAUSE_MS;
      log.warn({ err: error }, 'addresses can’t be signed: media goes through the services');
      return undefined;
    }
  }

  return {
    origin: () => available()?.origin ?? '',
    upload: ({ key, ...about }) => sign((addresses) => addresses.upload(key, about)),
    download: (key, { fileName, attachment, mediaType, lifetimeS }) =>
      sign((addresses) =>
        addresses.download(key, {
          fileName: fileName || key.split('/').at(-1),
          attachment,
          mediaType: mediaType || undefined,
          lifetimeS: Math.min(lifetimeS || LONGEST_DOWNLOAD_S, LONGEST_DOWNLOAD_S),
        }),
      ),
  };
}

function toMessage({ url, method, headers, expiresAt }: SignedAddress): AddressMessage {
  return {
    url,
    method,
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    expireTime: expiresAt,
  };
}
