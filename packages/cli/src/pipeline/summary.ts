import { shown } from '../batch/batch-progress.js';
import { shortId } from '../dataset/names.js';
import type { PipelineResult } from './run.js';
import type { Refused, StepReport } from './step.js';

const MOST_LISTED = 8;

/** What the person is told at the end. */
export function summaryAsText(result: PipelineResult, page: string | undefined): string {
  const { name, steps, dataset, models, nothingNew, error } = result;
  const refused = steps.flatMap((step) => step.refused);
  const took = steps.reduce((sum, { seconds }) => sum + seconds, 0);
  const lines = [
    error
      ? `${name} is not at its end.`
      : nothingNew
        ? `${name}: nothing to do, all of it was done before.`
        : `${name} is done (${took.toFixed(1)} s).`,
    ...(refused.length > 0 ? [`Refused          ${refused.length}: ${reasonsInWords(refused)}`] : []),
    ...refused.slice(0, MOST_LISTED).map(({ id, reason, message }) => `  ${id}: ${reason}: ${message}`),
    ...(refused.length > MOST_LISTED ? [`  … and ${refused.length - MOST_LISTED} more: see the page`] : []),
    ...(dataset ? [`Dataset          ${dataset.dataset}@${shortId(dataset.version)}`] : []),
    ...models.map(
      ({ model, version, promoted, why }) =>
        `Model            ${model} version ${version}, ${promoted ? 'promoted' : 'not promoted'}: ${why}`,
    ),
    ...(page === undefined ? [] : [`Look             ${page}`]),
  ];
  return lines.map((line) => `${shown(line)}\n`).join('');
}

/** The reasons, commonest first. */
export function reasonsOf(refused: readonly Refused[]): [reason: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { reason } of refused) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

export const reasonsInWords = (refused: readonly Refused[]) =>
  reasonsOf(refused)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');

/** For programs, on one line. */
export function summaryAsJson(result: PipelineResult, page: string | undefined): string {
  const { name, steps, dataset, models, nothingNew, seconds, error } = result;
  const line = {
    pipeline: name,
    nothing_new: nothingNew,
    steps: steps.map(stepAsJson),
    ...(dataset && { dataset: { name: dataset.dataset, version: dataset.version } }),
    models: models.map(({ model, runId, ...told }) => ({ name: model, run: runId, ...told })),
    seconds: rounded(seconds),
    ...(page !== undefined && { page }),
    ...(error && { error: { reason: error.reason, message: error.message } }),
  };
  return `${JSON.stringify(line)}\n`;
}

export const stepAsJson = ({ name, title, state, done, cached, refused, seconds }: StepReport) => ({
  step: name,
  title,
  state,
  done,
  cached,
  refused: refused.map(({ id, reason, message }) => ({ clip: id, reason, message })),
  seconds: rounded(seconds),
});

const rounded = (seconds: number) => Math.round(1000 * seconds) / 1000;
