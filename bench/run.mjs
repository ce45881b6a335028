// Prints every figure that Soundstage claims, each beside its comparator, in one run.
//   npm run bench            all of them
//   npm run bench -- queue   one
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';

const all = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.mjs') && file !== basename(import.meta.filename))
  .map((file) => file.slice(0, -4))
  .sort();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}: choose from ${all.join(', ')}.`);
  process.exit(2);
}
if (!existsSync('packages/cli/dist/main.js')) {
  console.error('Nothing is built: run ./soundstage setup first.');
  process.exit(3);
}
console.log(
  `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
);
let failed = 0;
for (const name of wanted.length > 0 ? wanted : all) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', `${import.meta.dirname}/${name}.mjs`],
    { stdio: 'inherit' },
  );
  if (status !== 0) failed++;
}
process.exit(failed > 0 ? 1 : 0);
