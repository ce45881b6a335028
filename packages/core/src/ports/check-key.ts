import { badInput } from '../errors.js';

const SEGMENT = /^[A-Za-z0-9._=-]{1,200}$/;

/** @throws BAD_INPUT for a key that could lead out of a store or that another adapter would refuse */
export function checkKey(key: string): void {
  const valid =
    key.length <= 512 &&
    key.split('/').every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..');
  if (!valid) {
    throw badInput(
      `${JSON.stringify(key.slice(0, 100))} can't be a key: use letters, digits and . _ = - in parts joined by "/", at most 512 characters in all and 200 in a part.`,
      'key',
    );
  }
}

/**
 * The range of an object that is asked for, from the port's options.
 *
 * @throws BAD_INPUT for what isn't a whole number from 0
 */
export function checkRange(range: { startByte?: number; endByte?: number } = {}): {
  startByte: number;
  endByte: number;
} {
  const { startByte = 0, endByte = Infinity } = range;
  for (const [field, at] of Object.entries({ startByte, endByte })) {
    if (!(at >= 0) || (at !== Infinity && !Number.isInteger(at)))
      throw badInput(`${field} is ${at}: give a whole number from 0.`, field);
  }
  return { startByte, endByte };
}
