import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  type ObjectRef,
  SplitResult,
  TrainerLauncherServiceService as Launcher,
  TrainingResult,
} from '@soundstage/contracts';
import { fileUrl, Html, html } from '@soundstage/html';
import type { Connection } from '../connect/connect.js';
import { shortId } from '../dataset/names.js';
import { writeWhole } from '../write-whole.js';
import type { PipelineResult } from './run.js';
import type { ReadRecipe } from './read-recipe.js';
import { reasonsOf } from './summary.js';
import type { StepReport } from './step.js';

/** Pages beside the summary, by what they show. */
interface Beside {
  dataset?: string;
  /** By the run's id. */
  runs: Map<string, { page?: string; report?: string }>;
}

/**
 * Writes what a run did as a folder with `index.html`: the steps with their counts and times, the clips that were
 * refused, the models with their figures; beside it the dataset's page and those of the training runs.
 *
 * @returns the path of the page
 */
export async function writeSummaryPage(
  folder: string,
  read: ReadRecipe,
  result: PipelineResult,
  connection: Connection,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const beside: Beside = { runs: new Map() };
  const copy = async (object: ObjectRef | undefined, name: string): Promise<string | undefined> => {
    if (!object) return undefined;
    await writeWhole(join(folder, name), (await buffer(connection.download(object.key))).toString('utf8'));
    return name;
  };
  if (result.dataset) {
    const { version } = SplitResult.fromJSON(result.dataset.result);
    const name = await copy(version?.page, `dataset-${shortId(result.dataset.version)}.html`);
    if (name !== undefined) beside.dataset = name;
  }
  for (const { runId, result: made } of result.trained) {
    const { run } = await connection.call(Launcher.getRun, { runId });
    const page = await copy(run?.page, `run-${runId}.html`);
    const report = await copy(TrainingResult.fromJSON(made).report, `report-${runId}.html`);
    beside.runs.set(runId, { ...(page !== undefined && { page }), ...(report !== undefined && { report }) });
  }
  const path = join(folder, 'index.html');
  await writeWhole(path, await summaryPage(read, result, beside));
  return path;
}

async function summaryPage(read: ReadRecipe, result: PipelineResult, beside: Beside): Promise<string> {
  const style = await readFile(new URL('../../pipeline/page.css', import.meta.url), 'utf8');
  const styleHash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`;
  const { recipe, variables } = read;
  const given = Object.entries(variables);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Pipeline ${recipe.name}</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <h1>Pipeline ${recipe.name}</h1>
        ${recipe.description !== undefined && html`<p>${recipe.description}</p>`}
        ${result.error && html`<p class="failed">${result.error.message}</p>`}
        ${given.length > 0 && html`<p>With ${given.map(([name, value]) => `${name} = ${value}`).join(', ')}.</p>`}
        <h2>Steps</h2>
        ${stepTable(result.steps)} ${datasetPart(result, beside)} ${modelPart(result, beside)}
        ${refusedPart(result.steps)}
      </body>
    </html> `.text;
}

const STATES: Readonly<Record<StepReport['state'], string>> = {
  done: 'done',
  cached: 'done before',
  failed: 'failed',
  not_reached: 'not reached',
};

function stepTable(steps: readonly StepReport[]): Html {
  const rows = steps.map(
    ({ title, state, done, cached, refused, seconds }) =>
      html`<tr>
        <th scope="row">${title}</th>
        <td class="${state}">${STATES[state]}</td>
        <td>${done}</td>
        <td>${cached}</td>
        <td>${refused.length}</td>
        <td>${seconds.toFixed(1)}</td>
      </tr>`,
  );
  return html`<table>
    <thead>
      <tr>
        <th scope="col">step</th>
        <th scope="col">state</th>
        <th scope="col">done</th>
        <th scope="col">of them before</th>
        <th scope="col">refused</th>
        <th scope="col">seconds</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

function datasetPart({ dataset }: PipelineResult, { dataset: page }: Beside): Html | false {
  if (!dataset) return false;
  const name = `${dataset.dataset}@${shortId(dataset.version)}`;
  return html`<h2>Dataset</h2>
    <p>${page === undefined ? name : html`<a href="${fileUrl(page)}">${name}</a>`}</p>`;
}

function modelPart({ models, trained }: PipelineResult, { runs }: Beside): Html | false {
  if (trained.length === 0) return false;
  const rows = trained.map(({ runId, recipe, result }) => {
    const { modelName, modelVersion, metrics } = TrainingResult.fromJSON(result);
    const verdict = models.find((each) => each.runId === runId);
    const { page, report } = runs.get(runId) ?? {};
    return html`<section>
      <h3>${modelName || recipe} ${modelVersion && `version ${modelVersion}`}</h3>
      <p>${verdict && `${verdict.promoted ? 'Promoted' : 'Not promoted'}: ${verdict.why}.`}</p>
      <p>
        ${page !== undefined && html`<a href="${fileUrl(page)}">Run ${runId}</a>`}
        ${report !== undefined && html`<a href="${fileUrl(report)}">Curves and samples</a>`}
      </p>
      <dl>
        ${metrics.map(
          ({ name, value }) =>
            html`<div>
              <dt>${name}</dt>
              <dd>${Number(value.toPrecision(5))}</dd>
            </div>`,
        )}
      </dl>
    </section>`;
  });
  return html`<h2>Models</h2>
    ${rows}`;
}

function refusedPart(steps: readonly StepReport[]): Html | false {
  const refused = steps.flatMap((step) => step.refused.map((clip) => ({ ...clip, step: step.name })));
  if (refused.length === 0) return false;
  return html`<h2>Refused clips</h2>
    <p>
      ${reasonsOf(refused)
        .map(([reason, count]) => `${reason} ${count}`)
        .join(', ')}
    </p>
    <table>
      <thead>
        <tr>
          <th scope="col">clip</th>
          <th scope="col">step</th>
          <th scope="col">reason</th>
          <th scope="col">in words</th>
        </tr>
      </thead>
      <tbody>
        ${refused.map(
          ({ id, step, reason, message }) =>
            html`<tr>
              <th scope="row">${id}</th>
              <td>${step}</td>
              <td>${reason}</td>
              <td>${message}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}
