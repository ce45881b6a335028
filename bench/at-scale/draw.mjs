// Runs in the page, behind model.mjs: reads the inputs from their fields and draws everything anew at each change.
/* global document, simulate */
const { measured, assumptions, prices, inputs } = JSON.parse(document.getElementById('data').textContent);
const COLOURS = ['#2f7ed8', '#e0803a', '#4a9d5b', '#a05cc0', '#c9a227', '#d0476a', '#3aa6a6'];
const MARKS = [1, 10, 100];
const CURVE = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200];
const hours = (seconds) =>
  seconds / 3600 >= 100 ? Math.round(seconds / 3600).toLocaleString('en') : (seconds / 3600).toFixed(1);
const dollars = (usd) => `$${Math.round(usd).toLocaleString('en')}`;
const text = (words) => String(words).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

fields('assumptions', assumptions.assumptions, inputs.given);
fields('prices', prices.prices, inputs.prices);
document.getElementById('pricenote').textContent = `${prices.region}, ${prices.date}. ${prices.note}`;
document.getElementById('measurednote').textContent =
  `${measured.command}, ${measured.date}; ${measured.machine}; ${measured.clips}. ${measured.note ?? ''} Training: ${measured.training.command}.`;
const keys = Object.keys(measured.units);
document.getElementById('measured').innerHTML =
  `<tr><th>stage</th>${keys.map((key) => `<th class="n">${key}<br />${text(measured.units[key])}</th>`).join('')}</tr>` +
  Object.entries(measured.stages)
    .map(
      ([stage, of]) =>
        `<tr><td>${stage}</td>${keys.map((key) => `<td class="n">${of[key].toLocaleString('en')}</td>`).join('')}</tr>`,
    )
    .join('');
drawAll();

function fields(id, entries, values) {
  const table = document.getElementById(id);
  table.innerHTML = Object.entries(entries)
    .map(
      ([name, { unit, low, high, source }]) =>
        `<tr><td><label for="${name}">${name}</label></td><td><input id="${name}" value="${values[name]}" /></td><td>${text(unit)}${low === undefined ? '' : ` (${low} to ${high})`}${source ? `<br /><span class="note">${text(source)}</span>` : ''}</td></tr>`,
    )
    .join('');
  table.addEventListener('input', ({ target }) => {
    const number = Number(target.value);
    if (typeof values[target.id] !== 'number') values[target.id] = target.value;
    else if (target.value !== '' && number >= 0) values[target.id] = number;
    drawAll();
  });
}

function drawAll() {
  if (!(inputs.given.trainSize in measured.training.cpuS)) return;
  const at = MARKS.map((t4s) => simulate({ measured, ...inputs }, t4s));
  document.getElementById('summary').innerHTML =
    '<table><tr><th>T4s</th><th class="n">hours</th><th class="n">cost</th><th class="n">for 1,000 clips</th><th>what binds, phase by phase</th></tr>' +
    at
      .map(
        ({ t4s, totalS, totalUsd, usdAClip, phases }) =>
          `<tr><td>${t4s}</td><td class="n">${hours(totalS)}</td><td class="n">${dollars(totalUsd)}</td><td class="n">$${(usdAClip * 1000).toFixed(2)}</td><td>${phases.map(({ name, binds, seconds }) => `${name}, ${hours(seconds)} h: <b>${binds}</b>`).join('<br />')}</td></tr>`,
      )
      .join('') +
    '</table>';
  const curve = CURVE.map((t4s) => simulate({ measured, ...inputs }, t4s));
  const names = curve[0].phases.map(({ name }) => name);
  stacked('time', 'Hours by T4s', curve, names, ({ phases }, n) => phases[n].seconds / 3600);
  const parts = Object.keys(curve[0].cost).filter((part) =>
    curve.some(({ cost, totalUsd }) => cost[part] > totalUsd / 100),
  );
  stacked('cost', 'USD by T4s (parts above 1 %)', curve, parts, ({ cost }, n) => cost[parts[n]]);
  document.getElementById('busy').innerHTML = at
    .flatMap(({ t4s, phases }) => [phases[0], phases[3]].map((one) => bars(t4s, one)))
    .join('');
  swing();
}

/** Stacked columns, since both axes run over three decades: columns for T4s, linear height. */
function stacked(id, title, curve, names, valueOf) {
  const [width, height, left, bottom] = [480, 300, 56, 52];
  const totals = curve.map((one) => names.reduce((sum, _, n) => sum + valueOf(one, n), 0));
  const finite = totals.filter(Number.isFinite);
  const low = Math.min(...finite) / 2;
  const high = Math.max(...finite) * 1.1;
  // Logarithmic: the top of a column is the total, its parts share it in proportion.
  const y = (value) => 20 + (height - bottom - 20) * (1 - Math.log(Math.max(value, low) / low) / Math.log(high / low));
  const step = (width - left) / curve.length;
  const columns = curve.map((one, at) => {
    const top = y(totals[at]);
    let from = height - bottom;
    return (
      names
        .map((_, n) => {
          const share = (valueOf(one, n) / totals[at]) * (height - bottom - top);
          from -= share;
          return `<rect x="${left + at * step + 2}" y="${from}" width="${step - 4}" height="${share}" fill="${COLOURS[n]}" />`;
        })
        .join('') +
      `<text x="${left + at * step + step / 2}" y="${height - bottom + 15}" text-anchor="middle">${one.t4s}</text>`
    );
  });
  const ticks = [];
  for (let tick = 10 ** Math.ceil(Math.log10(low)); tick <= high; tick *= 10) ticks.push(tick);
  if (ticks.length < 2) ticks.push(Math.round(high));
  const grid = ticks.map(
    (tick) =>
      `<line class="axis" x1="${left}" x2="${width}" y1="${y(tick)}" y2="${y(tick)}" /><text x="${left - 6}" y="${y(tick) + 4}" text-anchor="end">${tick.toLocaleString('en')}</text>`,
  );
  let at = left;
  const legend = names.map((name, n) => {
    const shown = `<rect x="${at}" y="${height - 14}" width="10" height="10" fill="${COLOURS[n]}" /><text x="${at + 14}" y="${height - 5}">${text(name)}</text>`;
    at += 26 + 6.1 * name.length;
    return shown;
  });
  const wide = Math.max(width, at);
  document.getElementById(id).innerHTML =
    `<figcaption>${title}; logarithmic height, parts in proportion</figcaption><svg viewBox="0 0 ${wide} ${height}" role="img" aria-label="${title}">${grid.join('')}${columns.join('')}${legend.join('')}</svg>`;
}

function bars(t4s, { name, resources }) {
  const rows = resources.map(({ name: what, busy }, n) => {
    const y = 8 + n * 22;
    const shown = busy < 0.001 ? '< 0.1 %' : `${(100 * busy).toFixed(busy < 0.1 ? 1 : 0)} %`;
    return `<text x="0" y="${y + 12}">${text(what)}</text><rect x="170" y="${y}" width="${Math.max(1, 230 * busy)}" height="16" fill="${busy === 1 ? '#d0476a' : '#2f7ed8'}" /><text x="${178 + 230 * busy}" y="${y + 12}">${shown}</text>`;
  });
  return `<figure><figcaption>${name}, ${t4s} T4${t4s === 1 ? '' : 's'}</figcaption><svg viewBox="0 0 480 ${resources.length * 22 + 12}" role="img" aria-label="${name} at ${t4s} T4s">${rows.join('')}</svg></figure>`;
}

/** What each uncertain input does to time and cost, alone, between the ends of its range. */
function swing() {
  const rows = Object.entries(assumptions.assumptions)
    .filter(([, { low }]) => low !== undefined)
    .map(([name, { low, high }]) => {
      const of = (value) =>
        simulate({ measured, prices: inputs.prices, given: { ...inputs.given, [name]: value } }, 10);
      const [a, b] = [of(low), of(high)];
      return `<tr><td>${name}</td><td class="n">${low} → ${high}</td><td class="n">${hours(a.totalS)} → ${hours(b.totalS)} h</td><td class="n">${dollars(a.totalUsd)} → ${dollars(b.totalUsd)}</td></tr>`;
    });
  document.getElementById('swing').innerHTML =
    `<table><tr><th>input</th><th class="n">range</th><th class="n">hours</th><th class="n">cost</th></tr>${rows.join('')}</table>`;
}
