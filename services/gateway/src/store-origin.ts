import { unary, type Upstream } from './upstream.js';

/** Where the store's signed addresses lead. */
export interface StoreOrigin {
  /** As last heard of; empty: media goes through the gateway. */
  known(): string;
  /** Asks the service where that isn't known yet, or was heard a while ago. */
  ask(): Promise<string>;
}

const FRESH_MS = 60_000;
const ASK_AGAIN_MS = 3000;

/** Asks the service now and then. One that can't be reached has no addresses, either. */
export function createStoreOrigin({ transfer }: Upstream): StoreOrigin {
  let origin = '';
  let freshUntilMs = 0;
  let asking: Promise<string> | undefined;
  const call = async () => {
    try {
      const { signedOrigin } = await unary(transfer.getStore.bind(transfer), {}, { timeoutMs: 2000 });
      // It goes into a header.
      origin = /^https?:\/\/[A-Za-z0-9.:[\]-]+$/.test(signedOrigin) ? signedOrigin : '';
      freshUntilMs = Date.now() + FRESH_MS;
    } catch {
      freshUntilMs = Date.now() + ASK_AGAIN_MS;
    }
    asking = undefined;
    return origin;
  };
  return {
    known: () => origin,
    ask: () => (Date.now() < freshUntilMs ? Promise.resolve(origin) : (asking ??= call())),
  };
}
