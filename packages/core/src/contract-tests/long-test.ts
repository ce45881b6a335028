import { test } from '@jest/globals';

type DeclareTest = (name: string, run: () => void | Promise<void>, timeoutMs?: number) => void;

/** Whether SOUNDSTAGE_LONG_TESTS=1 asks for what takes long: `npm run test:long`. */
export const longTests = process.env.SOUNDSTAGE_LONG_TESTS === '1';

/** A test that takes long. */
export const longTest: DeclareTest = longTests ? test : test.skip;
