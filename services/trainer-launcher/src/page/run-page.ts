import type { ObjectRef, Run, TrainingResult, TrainingSpec } from '@soundstage/contracts';
import { Html, html } from '@soundstage/html';
import { inWords, stateOf, valueOf } from '../compare-runs.js';
import type { RecipeParameter } from '../parameters.js';
import { curveCharts } from './curve-groups.js';
import { durationOf, facts, pageOf, timeOf } from './frame.js';

export interface RunPageContent {
  run: Run;
  /** What the recipe takes, to tell what was set from what is usual; unknown where the recipe is gone. */
  parameters: ReadonlyMap<string, RecipeParameter> | undefined;
  card: Record<string, unknown> | undefined;
  /** The trainer's own page, where it made one that isn't too long to be put in. */
  report: string | undefined;
  /** Where that page is stored. */
  reportObject: ObjectRef | undefined;
}

/** The page of a run that has ended. It loads nothing: the trainer's report lies in it, in a frame without scripts. */
export function runPage({ run, parameters, card, report, reportObject }: RunPageContent): Promise<Uint8Array> {
  const spec = run.job?.spec?.$case === 'trainingSpec' ? run.job.spec.value : undefined;
  const result = run.job?.result?.$case === 'training' ? run.job.result.value : undefined;
  const charts = curveCharts([{ label: '', curves: run.curves }]);
  const body = html`
    ${overview(run, spec, result)}
    ${
      run.job?.error &&
      html`<section class="error">
        <h2>Why it failed</h2>
        <p>${run.job.error.message}</p>
        <p class="soft">${run.job.error.reason}</p>
      </section>`
    }
    ${result && metricsTable(result)}
    <section>
      <h2>Curves</h2>
      ${charts.length > 0 ? html`<div class="charts">${charts}</div>` : html`<p class="soft">The run drew none.</p>`}
    </section>
    <div class="halves">${parameterTable(run, spec, parameters)} ${circumstances(run, spec)}</div>
    ${card && cardSection(card)} ${reportObject && reportSection(report, reportObject)}
  `;
  return pageOf(`${spec?.recipe ?? 'Training'} · ${run.id}`, body);
}

function overview(run: Run, spec: TrainingSpec | undefined, result: TrainingResult | undefined): Html {
  const model = result?.modelName ? `${result.modelName}/${result.modelVersion}` : '';
  const { startTime, endTime, resumed = 0 } = run.facts ?? {};
  return html`
    <header>
      <p class="kind">Training run</p>
      <h1>${spec?.recipe ?? run.id}${model && html` <small>made ${model}</small>`}</h1>
      <p>
        <b class="state ${stateOf(run)}">${stateOf(run)}</b> <code>${run.id}</code> ·
        ${timeOf(startTime ?? run.job?.createTime)}
        ${startTime && endTime ? html` · ${durationOf(startTime, endTime)}` : ''}
        ${resumed > 0 ? html` · taken up again ${resumed === 1 ? 'once' : `${resumed} times`}` : ''}
      </p>
    </header>
  `;
}

function metricsTable({ metrics }: TrainingResult): Html {
  if (metrics.length === 0) return html``;
  return html`<section>
    <h2>Result</h2>
    <table class="values">
      ${metrics.map(
        ({ name, value }) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${inWords(value)}</td>
          </tr>`,
      )}
    </table>
  </section>`;
}

function parameterTable(run: Run, spec: TrainingSpec | undefined, known: RunPageContent['parameters']): Html {
  const given = new Set(spec?.parameters.map(({ name }) => name));
  const values = (run.facts?.parameters ?? spec?.parameters ?? []).filter(({ name }) => name !== 'seed');
  return html`<section>
    <h2>Parameters</h2>
    <table class="values">
      <tr>
        <th scope="row">seed</th>
        <td>${String(spec?.seed ?? '')}</td>
        <td></td>
      </tr>
      ${values.map((parameter) => {
        const recipe = known?.get(parameter.name);
        const usual = recipe && inWords(recipe.default);
        const isUsual = usual === valueOf(parameter);
        const remark = isUsual ? 'default' : given.has(parameter.name) && usual !== undefined ? `default ${usual}` : '';
        return html`<tr class="${isUsual ? 'usual' : ''}" title="${recipe?.description ?? ''}">
          <th scope="row">${parameter.name}</th>
          <td>${valueOf(parameter)}</td>
          <td class="soft">${remark}</td>
        </tr>`;
      })}
    </table>
  </section>`;
}

function circumstances(run: Run, spec: TrainingSpec | undefined): Html {
  const { facts: told, job } = run;
  const dataset = spec?.dataset;
  return html`<section>
    <h2>Data, code, machine</h2>
    ${facts([
      ['Dataset version', told?.datasetVersion],
      ['Manifest', dataset?.$case === 'manifest' ? objectWords(dataset.value) : undefined],
      ['Folder', dataset?.$case === 'folder' ? dataset.value : undefined],
      ['Features', spec?.features && objectWords(spec.features)],
      ['Code version', told?.codeVersion],
      ['Machine', told?.machine],
      ['Started', timeOf(told?.startTime)],
      ['Ended', timeOf(told?.endTime)],
      ['Attempts', job?.attempt ? String(job.attempt) : undefined],
    ])}
  </section>`;
}

function objectWords({ key, sha256 }: ObjectRef): Html {
  return html`<code>${key}</code> <span class="soft">sha256 ${sha256.slice(0, 16)}…</span>`;
}

function reportSection(report: string | undefined, reference: ObjectRef): Html {
  // A page as an attribute: only what would end it is escaped, so that it stays the page that it was.
  const source = new Html((report ?? '').replaceAll('&', '&amp;').replaceAll('"', '&quot;'));
  return html`<section id="report">
    <h2>The trainer's report</h2>
    ${report !== undefined && html`<iframe sandbox title="The trainer's report" srcdoc="${source}"></iframe>`}
    <p class="soft">Stored as ${objectWords(reference)}</p>
  </section>`;
}

/** The figures with their commands, the licences, and the whole card as it is. */
function cardSection(card: Record<string, unknown>): Html {
  const measured = Array.isArray(card['measured']) ? (card['measured'] as Record<string, unknown>[]) : [];
  const licence = (card['licence'] ?? {}) as Record<string, unknown>;
  const text = (value: unknown) =>
    value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
  return html`<section>
    <h2>Card</h2>
    ${facts([
      ['What it does', text(card['does'])],
      ['Dataset', text(card['dataset'])],
      ['Licence of the model', text(licence['model'])],
      ['Licence of the data', text(licence['training_data'])],
      ['SHA-256', text(card['sha256'])],
    ])}
    <table>
      <tr>
        <th scope="col">measured</th>
        <th scope="col">value</th>
        <th scope="col">by</th>
      </tr>
      ${measured.map(
        ({ what, value, command, comparator }) =>
          html`<tr>
            <th scope="row">
              ${text(what)}${comparator !== undefined && html`<br /><span class="soft">${text(comparator)}</span>`}
            </th>
            <td class="number">${typeof value === 'number' ? inWords(value) : text(value)}</td>
            <td><code>${text(command)}</code></td>
          </tr>`,
      )}
    </table>
    <details>
      <summary>The whole card</summary>
      <pre>${lines(JSON.stringify(card, undefined, 2))}</pre>
    </details>
  </section>`;
}

/** Text of several lines; a template shows a line's end as a sign of its own. */
function lines(text: string): Html[] {
  return text.split('\n').map((line) => html`${line}<br />`);
}
