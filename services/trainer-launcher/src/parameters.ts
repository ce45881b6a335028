import type { Parameter } from '@soundstage/contracts';
import { badInput, SoundstageError, type Violation } from '@soundstage/core';

/** The types that a recipe's parameter may have. */
export const PARAMETER_TYPES = ['integer', 'number', 'string', 'boolean'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];
export type ParameterValue = number | string | boolean;

/** A parameter of a recipe, as the trainer describes it. */
export interface RecipeParameter {
  name: string;
  type: ParameterType;
  default: ParameterValue;
  description: string;
  /** Bounds of a number, both allowed. */
  least?: number;
  most?: number;
  /** What a text may be. */
  choices?: readonly string[];
}

/** So that a request can't grow without end. */
const MOST_PARAMETERS = 200;
const LONGEST_TEXT = 4096;

/**
 * Holds parameters to what their recipe takes, and gives them as the trainer reads them.
 *
 * @throws BAD_INPUT with one violation for each that is unknown, given twice or of another type
 */
export function checkParameters(
  recipe: { name: string; parameters: ReadonlyMap<string, RecipeParameter> },
  given: readonly Parameter[],
): Record<string, ParameterValue> {
  const violations: Violation[] = [];
  const values = new Map<string, ParameterValue>();
  if (given.length > MOST_PARAMETERS) {
    violations.push({ field: 'spec.parameters', description: `has more than ${MOST_PARAMETERS} entries` });
  }
  for (const { name, value } of given.slice(0, MOST_PARAMETERS)) {
    const known = recipe.parameters.get(name);
    const problem = values.has(name)
      ? 'is given twice'
      : known === undefined
        ? unknownParameter(recipe, name)
        : value === undefined
          ? 'has no value'
          : problemWith(known, value.value);
    if (problem) violations.push({ field: `spec.parameters.${name.slice(0, 100)}`, description: problem });
    values.set(name, value?.value ?? '');
  }
  if (violations.length > 0) {
    const sentence = violations.map(({ field, description }) => `${field} ${description}`).join('; ');
    throw new SoundstageError('BAD_INPUT', `${sentence}.`, { violations });
  }
  return Object.fromEntries(values);
}

function unknownParameter(recipe: { name: string; parameters: ReadonlyMap<string, unknown> }, name: string): string {
  if (name === 'seed') return 'is no parameter: give it as spec.seed';
  const names = [...recipe.parameters.keys()].join(', ');
  return `is no parameter of the recipe ${recipe.name}, which ${names ? `takes ${names}` : 'takes none'}`;
}

function problemWith(parameter: RecipeParameter, value: ParameterValue): string | undefined {
  const { type, choices } = parameter;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
  const should = (what: string) => `is ${shown}; it must be ${what}`;
  if (type === 'boolean') return typeof value === 'boolean' ? undefined : should('true or false');
  if (type === 'string') {
    if (typeof value !== 'string') return should('text');
    if (choices && !choices.includes(value)) return should(`one of ${choices.join(', ')}`);
    return value.length > LONGEST_TEXT ? `is longer than ${LONGEST_TEXT} characters` : undefined;
  }
  if (type === 'integer' && !Number.isSafeInteger(value)) return should('a whole number');
  if (!Number.isFinite(value)) return should('a number');
  return outOfBounds(parameter, value as number) ? should(boundsOf(parameter)) : undefined;
}

type Bounds = Pick<RecipeParameter, 'least' | 'most'>;

const outOfBounds = ({ least = -Infinity, most = Infinity }: Bounds, value: number) => value < least || value > most;

function boundsOf({ least, most }: Bounds): string {
  if (least !== undefined && most !== undefined) return `${least} to ${most}`;
  return least === undefined ? `at most ${most}` : `at least ${least}`;
}

/** @throws BAD_INPUT for a seed that the recipe doesn't take */
export function checkSeed({ seed: bounds }: { seed: Bounds }, seed: bigint): void {
  if (outOfBounds(bounds, Number(seed)))
    throw badInput(`spec.seed is ${seed}; it must be ${boundsOf(bounds)}.`, 'spec.seed');
}

/** A value as the contracts carry it. */
export function toParameter(name: string, value: ParameterValue): Parameter {
  if (typeof value === 'number') return { name, value: { $case: 'number', value } };
  if (typeof value === 'boolean') return { name, value: { $case: 'flag', value } };
  return { name, value: { $case: 'text', value } };
}
