import { throwIfAborted } from '@soundstage/core';

export interface EachOptions {
  /** How many are on their way at a time. */
  inFlight: number;
  /** Whether one more may begin, with so many on their way; asked again whenever one has ended. Default: always. */
  room?: (onTheirWay: number) => boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Works on items in their order, several at a time. The first error ends it, when those on their way have ended; items
 * that there was no room for are left out.
 */
export async function each<T>(
  items: readonly T[],
  { inFlight, room = () => true, signal }: EachOptions,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const onTheirWay = new Set<Promise<void>>();
  let failed: { error: unknown } | undefined;
  for (let index = 0; index < items.length && failed === undefined && !signal?.aborted;) {
    if (onTheirWay.size < inFlight && room(onTheirWay.size)) {
      const one: Promise<void> = work(items[index]!, index)
        .catch((error: unknown) => void (failed ??= { error }))
        .finally(() => onTheirWay.delete(one));
      onTheirWay.add(one);
      index++;
    } else if (onTheirWay.size === 0) break;
    else await Promise.race(onTheirWay);
  }
  await Promise.all(onTheirWay);
  throwIfAborted(signal);
  if (failed !== undefined) throw failed.error;
}
