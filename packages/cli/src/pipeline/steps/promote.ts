import { TrainerLauncherServiceService as Launcher, TrainingResult, type RegisteredModel } from '@soundstage/contracts';
import { badInput } from '@soundstage/core';
import type { Connection } from '../../connect/connect.js';
import { allModels } from '../../models/list.js';
import { shippedModel } from '../../models/shipped.js';
import type { PromoteStep } from '../recipe.js';
import type { Step } from '../step.js';
import type { Trained } from './train.js';

/** What became of a model that was trained. */
export interface Promotion {
  model: string;
  version: string;
  runId: string;
  metrics: Record<string, number>;
  promoted: boolean;
  /** Why, in words. */
  why: string;
}

/** Promotes the models that were trained, each by its rule; a model without a rule stays registered. */
export function promoteStep(rules: readonly PromoteStep[], trained: readonly Trained[]): Step<Promotion[]> {
  const models = trained.map(({ runId, result }) => ({ runId, result: TrainingResult.fromJSON(result) }));
  const names = models.map(({ result }) => result.modelName);
  return {
    name: 'promote',
    title: `promote ${rules.map(({ model }) => model).join(', ') || 'nothing'}`,
    inputs: { rules, models: trained },
    async work(tools) {
      const connection = await tools.connection();
      for (const { model } of rules) {
        if (names.includes(model)) continue;
        throw badInput(`promote names ${model}, but the trainings made ${names.join(', ') || 'nothing'}.`, 'promote');
      }
      const value: Promotion[] = [];
      for (const { runId, result } of models) {
        const rule = rules.find(({ model }) => model === result.modelName);
        const verdict = rule
          ? await promote(connection, rule, result, tools.signal)
          : { promoted: false, why: 'the recipe has no rule for it' };
        const metrics = Object.fromEntries(result.metrics.map(({ name, value: figure }) => [name, figure]));
        value.push({ model: result.modelName, version: result.modelVersion, runId, metrics, ...verdict });
        tools.progress({ done: value.length, total: models.length, refused: 0 });
      }
      return { value, done: value.filter(({ promoted }) => promoted).length, cached: 0, refused: [] };
    },
  };
}

type Verdict = Pick<Promotion, 'promoted' | 'why'>;

async function promote(
  connection: Connection,
  rule: PromoteStep,
  { modelName: name, modelVersion: version, metrics }: TrainingResult,
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  const registered = await allModels(connection, name, signal);
  const now = registered.find(({ promoted }) => promoted);
  if (now?.version === version) return { promoted: true, why: 'it is promoted already' };
  const verdict = await judge(rule, metrics, now);
  if (!verdict.promoted) return verdict;
  // What it was compared with must still be what inference takes.
  const request = { name, version, expectedVersion: now?.version ?? '' };
  await connection.call(Launcher.promoteModel, request, signal);
  return verdict;
}

/**
 * Whether a rule promotes a model in the place of the one that inference takes now. With `better` its metric must beat
 * that of the other; where the other states none, what the rule names with `beats` must do.
 */
export async function judge(
  { model, when, metric = '', beats, higher_is_better: higher }: PromoteStep,
  metrics: RegisteredModel['metrics'],
  now: RegisteredModel | undefined,
): Promise<Verdict> {
  if (when === 'never') return { promoted: false, why: 'the recipe says never' };
  if (when === 'always') return { promoted: true, why: 'the recipe says always' };
  const figures = new Map(metrics.map(({ name, value }) => [name, value]));
  const better = (one: number, other: number) => (higher ? one > other : one < other);
  const own = figures.get(metric);
  if (own === undefined || Number.isNaN(own)) return { promoted: false, why: notMeasured(metric, figures) };
  if (beats !== undefined) {
    const plain = figures.get(beats);
    if (plain === undefined) return { promoted: false, why: notMeasured(beats, figures) };
    if (!better(own, plain))
      return { promoted: false, why: `${metric} ${digits(own)} against ${beats} ${digits(plain)}` };
  }
  const beaten = beats === undefined ? '' : `, ${beats} ${digits(figures.get(beats)!)}`;
  const shipped = now ? undefined : await shippedModel(model);
  if (!now && !shipped) return { promoted: true, why: `it is the first; ${metric} ${digits(own)}${beaten}` };
  const before = now ? `version ${now.version}` : `version ${shipped!.version}, which ships,`;
  const other = now ? now.metrics.find(({ name }) => name === metric)?.value : shipped!.metrics.get(metric);
  if (other !== undefined) {
    const why = `${metric} ${digits(own)} against ${digits(other)} of ${before.replace(/,$/, '')}${beaten}`;
    return { promoted: better(own, other), why };
  }
  if (beats !== undefined) return { promoted: true, why: `${metric} ${digits(own)}${beaten}; ${before} states none` };
  const how = '`soundstage models promote` does it by hand';
  return { promoted: false, why: `${before} states no ${metric} to compare ${digits(own)} with; ${how}` };
}

const notMeasured = (metric: string, figures: ReadonlyMap<string, number>) =>
  `the run measured no ${metric}; it measured ${[...figures.keys()].join(', ') || 'nothing'}`;

const digits = (value: number) => String(Number(value.toPrecision(4)));
