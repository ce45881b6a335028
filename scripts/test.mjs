// Runs every check and suite, and closes with one line `N passed, N failed, N skipped` over all of them.
//   node scripts/test.mjs            everything
//   node scripts/test.mjs jest …     one suite, with further arguments for its runner
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';

const bin = (name) => `node_modules/.bin/${name}`;
const python = '.cache/venv/bin/python';
const artefacts = 'artefacts';
mkdirSync(artefacts, { recursive: true });

/** Runs a program with its output shown, or written to a file; gives its exit code. */
function run(command, args, env = {}, output = 'inherit') {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', output, output],
      env: { ...process.env, FORCE_COLOR: '0', ...env },
    });
    child.on('error', () => resolve(127));
    child.on('close', (code, signal) => resolve(signal ? 1 : code));
  });
}

/** A check that either holds or doesn't: counts as one test. */
const check =
  (command, ...args) =>
  async () => {
    const code = await run(command, args);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  };

async function jest(...args) {
  const report = `${artefacts}/jest.json`;
  rmSync(report, { force: true });
  const code = await run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--json',
      `--outputFile=${report}`,
      ...args,
    ],
    { SOUNDSTAGE_LOG_LEVEL: process.env.SOUNDSTAGE_LOG_LEVEL ?? 'fatal' },
  );
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  return { passed: numPassedTests, failed: failed || (code === 0 ? 0 : 1), skipped: numPendingTests };
}

async function pytest(...args) {
  const report = `${artefacts}/pytest.xml`;
  rmSync(report, { force: true });
  const log = `${artefacts}/pytest.log`;
  const output = openSync(log, 'w');
  const options = ['-q', '-rs', '-n', '2', '--color=no', `--junitxml=${report}`];
  const code = await run(python, ['-m', 'pytest', ...options, 'services/trainer', ...args], {}, output);
  closeSync(output);
  console.log(`\n== pytest\n${readFileSync(log, 'utf8')}`);
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const [suite] = readFileSync(report, 'utf8').match(/<testsuite [^>]*>/) ?? [''];
  const count = (name) => Number(suite.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  const skipped = count('skipped');
  return { passed: count('tests') - failed - skipped, failed: failed || (code === 0 || code === 5 ? 0 : 1), skipped };
}

const suites = {
  proto: check(process.execPath, 'scripts/proto.mjs', 'check'),
  format: check(bin('prettier'), '--check', '--log-level=warn', '.'),
  lint: check(bin('eslint'), '--max-warnings=0', '.'),
  dependencies: check(bin('depcruise'), '--config', '.dependency-cruiser.cjs', 'packages/*/src', 'services/*/src'),
  palette: check(process.execPath, 'services/inference/palette/audit.mjs'),
  licences: check(process.execPath, 'scripts/audit/licences.mjs'),
  sbom: check(process.execPath, 'scripts/audit/sbom.mjs'),
  jest,
  pytest,
};

const [only, ...rest] = process.argv.slice(2);
if (only && !(only in suites)) {
  console.error(`There is no suite ${only}: choose one of ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}
const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];

async function take(name) {
  if (only && name !== only) return;
  if (name !== 'pytest') console.log(`\n== ${name}`);
  const start = Date.now();
  const counts = await suites[name](...rest);
  for (const key of Object.keys(total)) total[key] += counts[key];
  lines.push(
    `${name.padEnd(14)}${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${Math.round((Date.now() - start) / 1000)} s)`,
  );
}

// Most checks take one core and wait a lot: the trainer's tests go beside them. The tests of jest take both.
const beside = take('pytest');
for (const name of ['proto', 'format', 'lint', 'dependencies', 'palette', 'licences', 'sbom']) await take(name);
await beside;
await take('jest');
console.log(`\n${lines.join('\n')}\n`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
