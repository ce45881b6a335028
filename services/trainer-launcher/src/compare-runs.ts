import { JobState, type Parameter, type Run, type RunDifference } from '@soundstage/contracts';

/** A number as people read it: at most six digits that count. */
export function inWords(value: number | string | boolean | undefined): string {
  if (typeof value !== 'number') return value === undefined ? '' : String(value);
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}

export function valueOf({ value }: Parameter): string {
  return inWords(value?.value);
}

/** `SUCCEEDED` as `succeeded`. */
export function stateOf({ job }: Run): string {
  return JobState[job?.state ?? JobState.UNSPECIFIED].toLowerCase();
}

/** What two runs differ in, in words; what only one of them has stands beside an empty text. */
export function differencesOf(from: Run, to: Run): RunDifference[] {
  const [before, after] = [describe(from), describe(to)];
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .map((what) => ({ what, from: before.get(what) ?? '', to: after.get(what) ?? '' }))
    .filter((difference) => difference.from !== difference.to);
}

/** Everything about a run that may differ, but when it ran. */
function describe(run: Run): Map<string, string> {
  const spec = run.job?.spec?.$case === 'trainingSpec' ? run.job.spec.value : undefined;
  const result = run.job?.result?.$case === 'training' ? run.job.result.value : undefined;
  const parameters = run.facts?.parameters ?? spec?.parameters ?? [];
  const dataset = spec?.dataset?.$case === 'manifest' ? spec.dataset.value.sha256 : spec?.dataset?.value;
  const { datasetVersion = '', codeVersion = '', machine = '' } = run.facts ?? {};
  return new Map([
    ['recipe', spec?.recipe ?? ''],
    ['state', stateOf(run)],
    ['seed', String(spec?.seed ?? '')],
    ...parameters.filter(({ name }) => name !== 'seed').map((p) => [`parameters.${p.name}`, valueOf(p)] as const),
    ['dataset', dataset ?? ''],
    ['dataset_version', datasetVersion],
    ['features', spec?.features?.sha256 ?? ''],
    ['code_version', codeVersion],
    ['machine', machine],
    ...(result?.metrics ?? []).map(({ name, value }) => [`metrics.${name}`, inWords(value)] as const),
    ['model', result?.modelName ? `${result.modelName}/${result.modelVersion}` : ''],
    ['model_sha256', result?.model?.sha256 ?? ''],
    ['error', run.job?.error?.message ?? ''],
  ]);
}
