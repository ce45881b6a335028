// A million clips on Google's cloud, by computation: how long, how much, and what binds first, at 1, 10 and 100 T4s.
//   npm run bench -- at-scale
//   node bench/at-scale.mjs --set t4Factor=40 --set spot=1 --set prices.t4SpotHour=0.11 [--json]
// What a clip takes comes from at-scale/measured.json (its command is in it), prices from at-scale/prices.json, all else
// from at-scale/assumptions.json. Writes artefacts/at-scale.html: the curves, with every input to be changed on the page.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulate } from './at-scale/model.mjs';
import { pageOf } from './at-scale/page.mjs';

const read = (name) => JSON.parse(readFileSync(join(import.meta.dirname, 'at-scale', name), 'utf8'));
const files = { measured: read('measured.json'), assumptions: read('assumptions.json'), prices: read('prices.json') };
const inputs = {
  measured: files.measured,
  given: valuesOf(files.assumptions.assumptions),
  prices: valuesOf(files.prices.prices),
};
for (const [at, word] of process.argv.entries()) if (process.argv[at - 1] === '--set') set(word);

const T4S = [1, 10, 100];
const results = T4S.map((t4s) => simulate(inputs, t4s));
if (process.argv.includes('--json')) console.log(JSON.stringify({ bench: 'at-scale', inputs, results }));
else print();
const folder = join(import.meta.dirname, '..', 'artefacts');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'at-scale.html'), pageOf(files, inputs));

function valuesOf(entries) {
  return Object.fromEntries(Object.entries(entries).map(([name, { value }]) => [name, value]));
}

/** `name=value`, or `prices.name=value`. */
function set(word) {
  const [path, value] = word.split('=');
  const [where, name] = path.startsWith('prices.') ? [inputs.prices, path.slice(7)] : [inputs.given, path];
  if (!(name in where)) {
    console.error(`There is no input ${path}: choose from ${Object.keys(inputs.given).join(', ')}, or prices.NAME.`);
    process.exit(2);
  }
  const number = Number(value);
  if (typeof where[name] === 'number' && !(number >= 0)) {
    console.error(`${path} is ${value}: give a number from 0.`);
    process.exit(2);
  }
  where[name] = typeof where[name] === 'number' ? number : value;
}

function print() {
  const { given } = inputs;
  console.log(
    `${given.clips.toLocaleString('en')} clips; nets ${given.t4Factor} times as fast on a T4 as on one core (an assumption, ${files.assumptions.assumptions.t4Factor.low} to ${files.assumptions.assumptions.t4Factor.high})`,
  );
  console.log('T4s   phase                          hours   binds');
  for (const { t4s, phases, totalS, totalUsd, usdAClip } of results) {
    for (const { name, seconds, binds } of phases) {
      console.log(`${String(t4s).padEnd(5)} ${name.padEnd(28)} ${hours(seconds)}   ${binds}`);
    }
    console.log(
      `${String(t4s).padEnd(5)} ${'all'.padEnd(28)} ${hours(totalS)}   ${Math.round(totalUsd).toLocaleString('en')} USD, ${(usdAClip * 1000).toFixed(2)} USD for 1,000 clips`,
    );
  }
  console.log('Within the range of the T4’s speed, at 10 T4s:');
  const { low, high } = files.assumptions.assumptions.t4Factor;
  for (const t4Factor of [low, high]) {
    const { totalS, totalUsd } = simulate({ ...inputs, given: { ...given, t4Factor } }, 10);
    console.log(
      `  ${String(t4Factor).padStart(3)} ×: ${hours(totalS).trim()} hours, ${Math.round(totalUsd).toLocaleString('en')} USD`,
    );
  }
  console.log('The page with the curves: artefacts/at-scale.html');
}

function hours(seconds) {
  return (seconds / 3600).toFixed(1).padStart(8);
}
