import { badInput, SoundstageError, type Violation } from '@soundstage/core';

/** What somebody wishes for, checked. */
export interface JobWish {
  sound: string;
  keepOriginal: boolean;
  seed: bigint;
}

/** Beyond it programs that keep numbers as doubles lose digits, the job itself among them. */
const MAX_SEED = BigInt(Number.MAX_SAFE_INTEGER);
const FIELDS = new Set(['kind', 'sound', 'keepOriginal', 'seed', 'sizeBytes']);

/** Checks the fields of a form, which are all text. @throws BAD_INPUT that lists every problem */
export function readWish(fields: Readonly<Record<string, string>>): JobWish {
  const violations: Violation[] = [];
  const wrong = (field: string, description: string) => violations.push({ field, description });
  for (const name of Object.keys(fields)) if (!FIELDS.has(name)) wrong(name, 'is not a field of this form');
  if (fields.kind !== 'foley') wrong('kind', 'must be foley');
  const sound = (fields.sound ?? '').trim();
  if (sound.length > 200) wrong('sound', 'must have at most 200 characters');
  if (/\p{Cc}/u.test(sound)) wrong('sound', 'must be plain text on one line');
  const keepOriginal = fields.keepOriginal ?? 'false';
  if (!/^(true|false|on)$/.test(keepOriginal)) wrong('keepOriginal', 'must be true or false');
  const seedText = (fields.seed ?? '').trim() || '0';
  const seed = /^\d{1,20}$/.test(seedText) ? BigInt(seedText) : -1n;
  if (seed < 0n || seed > MAX_SEED) wrong('seed', `must be a whole number from 0 to ${MAX_SEED}`);
  if (violations.length === 0) return { sound, keepOriginal: keepOriginal !== 'false', seed };
  throw new SoundstageError(
    'BAD_INPUT',
    `The form can’t be used: ${violations.map((v) => `${v.field} ${v.description}`).join('; ')}.`,
    { violations },
  );
}

/** An Idempotency-Key as a request id. @throws BAD_INPUT for one that is too long or not plain */
export function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = String(header).replace(/^"(.*)"$/, '$1');
  if (!/^[\x21-\x7e]{1,128}$/.test(key)) {
    throw badInput(
      'The Idempotency-Key must have 1 to 128 visible ASCII characters, a UUID for example.',
      'Idempotency-Key',
    );
  }
  return key;
}
