import { test } from '@jest/globals';

type DeclareTest = (name: string, run: () => Promise<void>, timeoutMs?: number) => void;

/** Tests that take long run where SOUNDSTAGE_LONG_TESTS=1 asks for them. */
export const longTest: DeclareTest = process.env.SOUNDSTAGE_LONG_TESTS === '1' ? test : test.skip;
