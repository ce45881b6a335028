// Lints the contracts, checks them for breaking changes and generates packages/contracts/src/gen from them.
//   node scripts/proto.mjs generate   writes the generated code
//   node scripts/proto.mjs check      lint, format, breaking changes against the last commit, generated code current
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const buf = 'node_modules/.bin/buf';
const generated = 'packages/contracts/src/gen';
const run = (...args) => execFileSync(buf, args, { stdio: ['ignore', 'inherit', 'inherit'] });

/** Generates the TypeScript and the descriptor set (for reflection) below `folder`. */
function generate(folder) {
  run('generate', '--template', 'proto/buf.gen.yaml', '-o', folder);
  run('build', 'proto', '--as-file-descriptor-set', '-o', `${folder}/${generated}/soundstage.binpb`);
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function check() {
  run('lint', 'proto');
  run('format', 'proto', '--diff', '--exit-code');
  const against = breakingBase();
  if (against) run('breaking', 'proto', '--against', `.git#ref=${against},subdir=proto`);
  const fresh = mkdtempSync(join(tmpdir(), 'soundstage-proto-'));
  try {
    generate(fresh);
    const a = filesBelow(join(fresh, generated));
    const b = filesBelow(generated);
    const stale = [...new Set([...a, ...b])].filter(
      (file) =>
        !a.includes(file) ||
        !b.includes(file) ||
        !readFileSync(join(fresh, generated, file)).equals(readFileSync(join(generated, file))),
    );
    if (stale.length) throw new Error(`generated code is not current, run 'npm run proto': ${stale.join(', ')}`);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  console.log('proto: linted, formatted, no breaking change, generated code current');
}

/**
 * The commit that the contracts may not break: the newest release; before the first release, the state before their
 * last change, so that no break slips in unseen. A commit whose message says `Breaking-change:` meant it.
 */
function breakingBase() {
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('describe', '--tags', '--abbrev=0', '--match', 'v*');
  } catch {
    // No release yet, or no git checkout: a source archive.
  }
  try {
    const [last, before] = git('log', '-2', '--format=%H', '--', 'proto/soundstage').split('\n');
    if (git('status', '--porcelain', 'proto/soundstage')) return last;
    return git('log', '-1', '--format=%B', last).includes('Breaking-change:') ? undefined : before;
  } catch {
    return undefined;
  }
}

const command = process.argv[2];
if (command === 'generate') {
  const fresh = mkdtempSync(join(tmpdir(), 'soundstage-proto-'));
  generate(fresh);
  if (existsSync(generated)) rmSync(generated, { recursive: true });
  cpSync(join(fresh, generated), generated, { recursive: true });
  rmSync(fresh, { recursive: true });
} else if (command === 'check') check();
else {
  console.error('usage: node scripts/proto.mjs generate|check');
  process.exit(2);
}
