import { badInput } from '@soundstage/core';

/** `NAME` or `NAME@VERSION`, where VERSION is a tag, an id or its first 8 or more digits; without it the newest. */
export function datasetNamed(text: string): { name: string; version: string } {
  const [name = '', version = '', ...more] = text.split('@');
  if (name !== '' && more.length === 0 && (version !== '' || !text.includes('@'))) return { name, version };
  throw badInput(`${JSON.stringify(text)} names no dataset: write NAME or NAME@VERSION.`, 'dataset');
}

/** As many digits of an id as a person needs. */
export const shortId = (id: string) => id.slice(0, 12);
