import type { Run, RunDifference } from '@soundstage/contracts';
import { html, type Html } from '@soundstage/html';
import { stateOf } from '../compare-runs.js';
import { curveCharts } from './curve-groups.js';
import { durationOf, pageOf, timeOf } from './frame.js';

/** Two runs side by side: what differs, and both runs' curves over each other. It loads nothing. */
export function comparePage(from: Run, to: Run, differences: readonly RunDifference[]): Promise<Uint8Array> {
  const charts = curveCharts([
    { label: 'A', curves: from.curves },
    { label: 'B', curves: to.curves },
  ]);
  const body = html`
    <header>
      <p class="kind">Two training runs</p>
      <h1>${recipeOf(from)}${recipeOf(to) !== recipeOf(from) ? html` and ${recipeOf(to)}` : ''}</h1>
      ${side('A', 0, from)} ${side('B', 1, to)}
    </header>
    <section>
      <h2>What differs</h2>
      ${
        differences.length === 0
          ? html`<p class="soft">Nothing: parameters, data, code, machine and result are the same.</p>`
          : html`<table>
              <tr>
                <th scope="col"></th>
                <th scope="col">A</th>
                <th scope="col">B</th>
                <th scope="col">B − A</th>
              </tr>
              ${differences.map(
                (row) =>
                  html`<tr>
                    <th scope="row">${row.what}</th>
                    <td>${row.from || '—'}</td>
                    <td>${row.to || '—'}</td>
                    <td class="soft number">${changeOf(row)}</td>
                  </tr>`,
              )}
            </table>`
      }
    </section>
    <section>
      <h2>Curves</h2>
      ${charts.length > 0 ? html`<div class="charts">${charts}</div>` : html`<p class="soft">Neither run drew any.</p>`}
    </section>
  `;
  return pageOf(`${from.id} and ${to.id}`, body);
}

function recipeOf({ job, id }: Run): string {
  return job?.spec?.$case === 'trainingSpec' ? job.spec.value.recipe : id;
}

function side(letter: string, colour: number, run: Run): Html {
  const { startTime, endTime } = run.facts ?? {};
  return html`<p>
    <b class="letter c${colour}">${letter}</b> <b class="state ${stateOf(run)}">${stateOf(run)}</b>
    <code>${run.id}</code> ·
    ${timeOf(startTime ?? run.job?.createTime)}${startTime && endTime ? html` · ${durationOf(startTime, endTime)}` : ''}
  </p>`;
}

/** By how much a number changed; nothing for what is none. */
function changeOf({ from, to }: RunDifference): string {
  if (from === '' || to === '') return '';
  const change = Number(to) - Number(from);
  if (!Number.isFinite(change)) return '';
  return `${change > 0 ? '+' : '−'}${String(Number(Math.abs(change).toPrecision(4)))}`;
}
