// Writes what Soundstage is made of when it runs, as CycloneDX: npm's own listing of the lock file, and the trainer's
// Python packages added to it.
//   node scripts/audit/sbom.mjs [FILE]     default: artefacts/sbom.cdx.json
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pythonComponents } from './components.mjs';

const [file = 'artefacts/sbom.cdx.json'] = process.argv.slice(2);
const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--omit', 'dev'];
const { status, stdout, stderr } = spawnSync('npm', args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
if (status !== 0) throw new Error(`npm sbom: ${stderr}`);
const bom = JSON.parse(stdout);
const python = pythonComponents();
if (!python) console.log('The trainer’s environment is not set up (./soundstage setup): its packages are left out.');
for (const { name, version, licence } of python ?? []) {
  const purl = `pkg:pypi/${name}@${encodeURIComponent(version)}`;
  const licenses = licence ? [{ license: { name: licence } }] : [];
  bom.components.push({ 'bom-ref': purl, type: 'library', name, version, purl, licenses });
}
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(bom, undefined, 2)}\n`);
console.log(`${file}: ${bom.components.length} components, ${python?.length ?? 0} of them of Python`);
