import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A model that comes with Soundstage. */
export interface ShippedModel {
  name: string;
  version: string;
  /** Figures that its card states by name. */
  metrics: ReadonlyMap<string, number>;
}

const SHIPPED = fileURLToPath(new URL('../../../../models', import.meta.url));

/** The newest version of a model that ships, undefined where none does. */
export async function shippedModel(
  name: string,
  folder = process.env.SOUNDSTAGE_MODELS_DIR || SHIPPED,
): Promise<ShippedModel | undefined> {
  const versions = await readdir(join(folder, name)).catch(() => []);
  const newest = versions.filter((each) => /^\d+$/.test(each)).sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) return undefined;
  const text = await readFile(join(folder, name, newest, 'card.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return { name, version: newest, metrics: figuresOf(JSON.parse(text) as Record<string, unknown>) };
}

/** `metrics: {name: value}`, and each of `measured` that has a name. */
function figuresOf(card: Record<string, unknown>): Map<string, number> {
  const figures = new Map<string, number>();
  const note = (name: unknown, value: unknown) => {
    if (typeof name === 'string' && typeof value === 'number') figures.set(name, value);
  };
  for (const [name, value] of Object.entries((card.metrics ?? {}))) note(name, value);
  for (const figure of Array.isArray(card.measured) ? (card.measured as Record<string, unknown>[]) : []) {
    note(figure.metric ?? figure.name, figure.value);
  }
  return figures;
}
