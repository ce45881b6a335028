import { FoleyEngine, FoleyQuality, type FoleySpec } from '@soundstage/contracts';
import { badInput, SoundstageError, type Violation } from '@soundstage/core';

/** What somebody wishes for, checked. */
export type JobWish = Pick<
  FoleySpec,
  'sound' | 'keepOriginal' | 'seed' | 'mute' | 'quality' | 'candidates' | 'onlyCues' | 'stillDurationS' | 'engine'
>;

export const MOST_CANDIDATES = 8;
export const LONGEST_STILL_S = 4 * 3600;
/** Beyond it programs that keep numbers as doubles lose digits, the job itself among them; each candidate adds one. */
const MAX_SEED = BigInt(Number.MAX_SAFE_INTEGER - MOST_CANDIDATES);
const MOST_MUTED = 100;
const QUALITIES: Record<string, FoleyQuality> = {
  '': FoleyQuality.STANDARD,
  draft: FoleyQuality.DRAFT,
  standard: FoleyQuality.STANDARD,
};
const ENGINES: Record<string, FoleyEngine> = {
  '': FoleyEngine.PALETTE,
  palette: FoleyEngine.PALETTE,
  regnet: FoleyEngine.REGNET,
};
const FIELDS = new Set([
  'kind',
  'sound',
  'keepOriginal',
  'seed',
  'sizeBytes',
  'mute',
  'quality',
  'candidates',
  'onlyCues',
  'stillDurationS',
  'engine',
]);

/** Checks the fields of a form, which are all text. @throws BAD_INPUT that lists every problem */
export function readWish(fields: Readonly<Record<string, string>>): JobWish {
  const violations: Violation[] = [];
  const wrong = (field: string, description: string) => violations.push({ field, description });
  const textOf = (name: string) => (fields[name] ?? '').trim();
  const switchOf = (name: string) => {
    const value = textOf(name) || 'false';
    if (!/^(true|false|on)$/.test(value)) wrong(name, 'must be true or false');
    return value !== 'false';
  };
  const wholeOf = (name: string, least: bigint, most: bigint, missing: bigint) => {
    const value = textOf(name);
    const read = value === '' ? missing : /^\d{1,20}$/.test(value) ? BigInt(value) : -1n;
    if (read < least || read > most) wrong(name, `must be a whole number from ${least} to ${most}`);
    return read;
  };

  for (const name of Object.keys(fields)) if (!FIELDS.has(name)) wrong(name, 'is not a field of this form');
  if (fields.kind !== 'foley') wrong('kind', 'must be foley or sync');
  const sound = textOf('sound');
  if (sound.length > 200) wrong('sound', 'must have at most 200 characters');
  if (/\p{Cc}/u.test(sound)) wrong('sound', 'must be plain text on one line');
  const mute = [
    ...new Set(
      textOf('mute')
        .split(',')
        .map((word) => word.trim()),
    ),
  ].filter(Boolean);
  if (mute.length > MOST_MUTED) wrong('mute', `must have at most ${MOST_MUTED} names`);
  if (mute.some((word) => !/^[\p{L}\p{N} _-]{1,100}$/u.test(word)))
    wrong('mute', 'must be names of classes or groups with commas between them: music, speech');
  const quality = QUALITIES[textOf('quality')];
  if (quality === undefined) wrong('quality', 'must be draft or standard');
  const engine = ENGINES[textOf('engine')];
  if (engine === undefined) wrong('engine', 'must be palette or regnet');
  const stillText = textOf('stillDurationS');
  const stillDurationS = stillText === '' ? 0 : /^\d{1,5}(\.\d{1,6})?$/.test(stillText) ? Number(stillText) : NaN;
  if (!(stillText === '' || (stillDurationS > 0 && stillDurationS <= LONGEST_STILL_S)))
    wrong('stillDurationS', `must be a number of seconds above 0 and up to ${LONGEST_STILL_S}`);
  const wish: JobWish = {
    sound,
    keepOriginal: switchOf('keepOriginal'),
    seed: wholeOf('seed', 0n, MAX_SEED, 0n),
    mute,
    quality: quality ?? FoleyQuality.STANDARD,
    candidates: Number(wholeOf('candidates', 1n, BigInt(MOST_CANDIDATES), 1n)),
    onlyCues: switchOf('onlyCues'),
    stillDurationS,
    engine: engine ?? FoleyEngine.PALETTE,
  };
  if (violations.length === 0) return wish;
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
