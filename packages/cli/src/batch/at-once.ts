import { Option } from 'commander';
import { badInput } from '@soundstage/core';
import { serverOf } from '../connect/addresses.js';
import { wholeNumberTo } from '../whole-number.js';

/** A service has more to do at once than to send and fetch one film: so many keep a few workers busy. */
const AT_ONCE_THERE = 4;
const MOST_AT_ONCE = 64;

export const parallelOption = () =>
  new Option(
    '--parallel <n>',
    `with --server, so many files of a folder or bucket at once (default: ${AT_ONCE_THERE}, at most ${MOST_AT_ONCE})`,
  ).argParser(wholeNumberTo(MOST_AT_ONCE));

/**
 * How many inputs of a batch are at work at once: one on this machine, which a film takes up by itself.
 *
 * @throws BAD_INPUT for more where no service is to do them
 */
export function atOnce(options: { parallel?: number | undefined; server?: string | undefined }): number {
  const there = serverOf(options) !== undefined;
  const { parallel = there ? AT_ONCE_THERE : 1 } = options;
  if (parallel > 1 && !there)
    throw badInput(
      '--parallel needs --server: this machine does one film after the other, each with all that it has.',
      'parallel',
    );
  return parallel;
}
