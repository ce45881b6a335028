// Asks the registry for known vulnerabilities of the production packages. It needs a registry that answers such
// questions; where there is none this fails and says so, since nothing found is not the same as nothing asked.
import { spawnSync } from 'node:child_process';

const args = ['audit', '--omit', 'dev', '--json'];
const { stdout, stderr } = spawnSync('npm', args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
let report;
try {
  report = JSON.parse(stdout);
} catch {
  report = {};
}
const found = report.metadata?.vulnerabilities;
if (!found) {
  const why = report.message ?? stderr.split('\n').find((line) => line.includes('audit')) ?? 'no answer';
  console.error(`Not checked: the registry gave no advisories (${why.trim()}).`);
  process.exit(3);
}
for (const { name, severity, range } of Object.values(report.vulnerabilities))
  console.error(`${severity}: ${name} ${range}`);
console.log(`${found.total} known vulnerabilities: ${found.critical} critical, ${found.high} high`);
process.exit(found.critical + found.high > 0 ? 1 : 0);
