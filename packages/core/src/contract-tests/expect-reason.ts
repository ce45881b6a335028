import { expect } from '@jest/globals';
import type { Reason } from '../errors.js';

/** Holds a call to failing with a SoundstageError of this reason, and a sentence in it. */
export async function expectReason(call: Promise<unknown>, reason: Reason): Promise<void> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toMatchObject({ name: 'SoundstageError', reason });
  expect((thrown as Error).message.length).toBeGreaterThan(10);
}
