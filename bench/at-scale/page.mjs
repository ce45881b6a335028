// The page: one file without anything from elsewhere. It holds the model itself, so what is changed on it counts at once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @returns HTML */
export function pageOf(files, inputs) {
  const model = readFileSync(join(import.meta.dirname, 'model.mjs'), 'utf8').replace(/^export /m, '');
  const draw = readFileSync(join(import.meta.dirname, 'draw.mjs'), 'utf8');
  const data = JSON.stringify({ ...files, inputs }).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width" />
<title>A million clips</title>
<style>
  :root { color-scheme: light dark; --ink: light-dark(#1d2530, #e6e9ee); --faint: light-dark(#d8dde4, #3a4350); --paper: light-dark(#fff, #161b22); }
  body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 68rem; margin: 1.5rem auto; padding: 0 1rem; }
  h1 { font-size: 1.5rem; margin: 0 0 0.3rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 0.4rem; }
  .two { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; } figure { margin: 0; }
  svg { width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font-size: 12px; }
  .axis { stroke: var(--faint); } table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 0.2rem 0.5rem; border-bottom: 1px solid var(--faint); vertical-align: top; }
  td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } input { width: 7rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--faint); border-radius: 4px; padding: 0.1rem 0.3rem; }
  .note { opacity: 0.8; }
</style>
<h1>A million clips: how long, how much, what binds</h1>
<p class="note">A computation, not a run: nobody has done this on Google's cloud. Times a clip were measured; the T4 was not, prices are from lists.
It is a lower bound: all clips equal, all stages overlapping, nothing waiting for stragglers. Two limits of our own come before Google's: a dataset holds 100,000 clips at most
(SOUNDSTAGE_SPLIT_CLIPS), and a training reads all of its clips into memory, so the training below is what it would take,
not what can be done today.</p>
<div id="summary"></div>
<div class="two"><figure id="time"></figure><figure id="cost"></figure></div>
<h2>How busy each resource is while the scarcest is wholly busy</h2>
<div class="two" id="busy"></div>
<h2>What the answer hangs on (10 T4s)</h2>
<div id="swing"></div>
<h2>Assumptions: change them</h2>
<table id="assumptions"></table>
<h2>Prices: change them</h2>
<p class="note" id="pricenote"></p>
<table id="prices"></table>
<h2>Measured</h2>
<p class="note" id="measurednote"></p>
<table id="measured"></table>
<script type="application/json" id="data">${data}</script>
<script type="module">
${model}
${draw}
</script>
</html>
`;
}
