import type { SyncSpec } from '@soundstage/contracts';
import { SoundstageError, type Violation } from '@soundstage/core';

/** What somebody wishes of a sync job, checked. */
export type SyncWish = Pick<SyncSpec, 'rangeS' | 'measureOnly'>;

export const WIDEST_RANGE_S = 5;
const FIELDS = new Set(['kind', 'rangeS', 'measureOnly', 'sizeBytes']);

/** Checks the fields of a form, which are all text. @throws BAD_INPUT that lists every problem */
export function readSyncWish(fields: Readonly<Record<string, string>>): SyncWish {
  const violations: Violation[] = [];
  const wrong = (field: string, description: string) => violations.push({ field, description });
  for (const name of Object.keys(fields)) if (!FIELDS.has(name)) wrong(name, 'is not a field of a sync job');
  const text = (fields.rangeS ?? '').trim();
  const rangeS = text === '' ? 1 : /^\d(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
  if (!(rangeS > 0 && rangeS <= WIDEST_RANGE_S))
    wrong('rangeS', `must be a number of seconds above 0 and up to ${WIDEST_RANGE_S}`);
  const measureOnly = (fields.measureOnly ?? '').trim() || 'false';
  if (!/^(true|false|on)$/.test(measureOnly)) wrong('measureOnly', 'must be true or false');
  if (violations.length === 0) return { rangeS, measureOnly: measureOnly !== 'false' };
  throw new SoundstageError(
    'BAD_INPUT',
    `The form can’t be used: ${violations.map((v) => `${v.field} ${v.description}`).join('; ')}.`,
    { violations },
  );
}
