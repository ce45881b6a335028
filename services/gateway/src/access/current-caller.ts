import { AsyncLocalStorage } from 'node:async_hooks';
import type { Caller } from '@soundstage/core';

const callers = new AsyncLocalStorage<Caller>();

/** For whom the running request is answered; undefined where nobody had to say who they are. */
export const currentCaller = (): Caller | undefined => callers.getStore();

/** Runs what answers a request. */
export const answerFor = (caller: Caller, answer: () => void): void => callers.run(caller, answer);
