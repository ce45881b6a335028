import { JobState, type Parameter, type RegisteredModel, type Run } from '@soundstage/contracts';
import { durationInWords } from '../batch/batch-progress.js';
import { table } from '../table.js';

const STATES: Readonly<Partial<Record<JobState, string>>> = {
  [JobState.QUEUED]: 'waiting',
  [JobState.RUNNING]: 'running',
  [JobState.SUCCEEDED]: 'done',
  [JobState.FAILED]: 'failed',
  [JobState.CANCELLED]: 'cancelled',
};

/** The models, with as many of their figures as a line holds. */
export function modelsAsText(models: readonly RegisteredModel[]): string {
  if (models.length === 0) return 'No training has made a model yet; inference takes those that ship.\n';
  const rows = models.map(({ name, version, promoted, createTime, metrics, runId }) => [
    name,
    version,
    promoted ? 'promoted' : '',
    createTime?.toISOString() ?? '',
    runId,
    metrics
      .slice(0, 4)
      .map(({ name: metric, value }) => `${metric} ${inDigits(value)}`)
      .join(', '),
  ]);
  return table(['name', 'version', '', 'made', 'run', 'figures'], rows);
}

export function runsAsText(runs: readonly Run[]): string {
  if (runs.length === 0) return 'No training was launched yet.\n';
  const rows = runs.map(({ id, job }) => [
    id,
    recipeOf(job),
    STATES[job?.state ?? JobState.UNSPECIFIED] ?? '',
    job?.createTime?.toISOString() ?? '',
    modelOf(job),
  ]);
  return table(['run', 'recipe', 'state', 'launched', 'model'], rows);
}

/** All that people ask of a run, in lines. */
export function runAsText(run: Run): string {
  const { id, job, facts, curves } = run;
  const result = job?.result?.$case === 'training' ? job.result.value : undefined;
  const tookS = facts?.startTime && facts.endTime ? (facts.endTime.getTime() - facts.startTime.getTime()) / 1000 : 0;
  const lines: [string, string][] = [
    ['Run', `${id}: ${recipeOf(job)}, ${STATES[job?.state ?? JobState.UNSPECIFIED] ?? ''}`],
    ...(job?.error ? [['Failed', `${job.error.reason}: ${job.error.message}`] as [string, string]] : []),
    ...(result?.modelName ? [['Model', modelOf(job)] as [string, string]] : []),
    ...(facts?.datasetVersion ? [['Dataset', facts.datasetVersion] as [string, string]] : []),
    ...(facts?.codeVersion ? [['Code', facts.codeVersion] as [string, string]] : []),
    ...(facts?.machine ? [['Machine', facts.machine] as [string, string]] : []),
    ...(tookS > 0 ? [['Took', durationInWords(tookS)] as [string, string]] : []),
    ...(facts && facts.resumed > 0 ? [['Taken up', `${facts.resumed} times from a checkpoint`] as [string, string]] : []),
    ...(facts?.parameters.length ? [['With', facts.parameters.map(parameterInWords).join(', ')] as [string, string]] : []),
  ];
  const figures = (result?.metrics ?? []).map(({ name, value }) => [name, inDigits(value)]);
  const ends = curves.map(({ name, values, steps }) => [name, inDigits(values.at(-1)), String(steps.at(-1) ?? '')]);
  return (
    lines.map(([name, text]) => `${name.padEnd(10)}${text}\n`).join('') +
    (figures.length > 0 ? `\n${table(['figure', 'value'], figures)}` : '') +
    (ends.length > 0 ? `\n${table(['curve', 'last value', 'step'], ends)}` : '')
  );
}

/** `step 120 of 400, loss.training 0.31, loss.validation 0.42`. */
export function runInWords({ job, curves }: Run): string {
  const step = job?.steps.findLast(({ message, fraction }) => message !== '' && fraction > 0)?.message ?? '';
  const last = curves.map(({ name, values }) => `${name} ${inDigits(values.at(-1))}`);
  return [step, ...last].filter((part) => part !== '').join(', ');
}

const recipeOf = (job: Run['job']) => (job?.spec?.$case === 'trainingSpec' ? job.spec.value.recipe : '');

function modelOf(job: Run['job']): string {
  const result = job?.result?.$case === 'training' ? job.result.value : undefined;
  return result?.modelName ? `${result.modelName} version ${result.modelVersion}` : '';
}

const parameterInWords = ({ name, value }: Parameter) => `${name} = ${value ? String(value.value) : ''}`;

const inDigits = (value: number | undefined) => (value === undefined ? '' : String(Number(value.toPrecision(4))));
