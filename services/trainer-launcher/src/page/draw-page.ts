import { buffer } from 'node:stream/consumers';
import type { ObjectRef, Run } from '@soundstage/contracts';
import { SoundstageError, type ObjectStore } from '@soundstage/core';
import type { RecipeList } from '../recipes.js';
import { runPage } from './run-page.js';

/** A longer report is named on the page, not put into it. */
const REPORT_BYTES = 16 * 2 ** 20;
const CARD_BYTES = 4 * 2 ** 20;

/** Gathers what a run's page shows, and draws it. What is gone meanwhile is left out. */
export async function drawRunPage(store: ObjectStore, recipes: RecipeList, run: Run): Promise<Uint8Array> {
  const recipeName = run.job?.spec?.$case === 'trainingSpec' ? run.job.spec.value.recipe : '';
  const result = run.job?.result?.$case === 'training' ? run.job.result.value : undefined;
  const [recipe, card, report] = await Promise.all([
    recipes.find(recipeName).catch(() => undefined),
    readText(store, result?.card, CARD_BYTES),
    readText(store, result?.report, REPORT_BYTES),
  ]);
  return runPage({
    run,
    parameters: recipe?.parameters,
    card: card === undefined ? undefined : (JSON.parse(card) as Record<string, unknown>),
    report,
    reportObject: result?.report,
  });
}

async function readText(
  store: ObjectStore,
  reference: ObjectRef | undefined,
  mostBytes: number,
): Promise<string | undefined> {
  if (!reference || reference.sizeBytes > mostBytes) return undefined;
  try {
    return (await buffer(await store.get(reference.key))).toString('utf8');
  } catch (error) {
    if (SoundstageError.from(error).reason === 'NOT_FOUND') return undefined;
    throw error;
  }
}
