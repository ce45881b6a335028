// What Soundstage is made of when it runs: packages of npm by the lock file, packages of Python by the trainer's
// environment. Reads files only: no registry is asked.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Production packages of the lock file: name, version, licence as stated, hash. */
export function npmComponents(lockPath = 'package-lock.json') {
  const { packages } = JSON.parse(readFileSync(lockPath, 'utf8'));
  const found = new Map();
  for (const [path, { version, license, link, dev, integrity }] of Object.entries(packages)) {
    if (!path.includes('node_modules/') || link || dev) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    found.set(`${name}@${version}`, { ecosystem: 'npm', name, version, licence: license ?? '', integrity });
  }
  return [...found.values()];
}

/** Licences of Python as their packages state them: an SPDX expression, else the classifiers, else a word. */
const LIST_PYTHON = String.raw`
import json, re, sys
from importlib import metadata
from packaging.requirements import Requirement
todo = [Requirement(line.strip()) for line in open(sys.argv[1]) if line.strip() and not line.startswith('#')]
tests = {'pytest', 'pytest-xdist', 'librosa', 'opencv-python-headless'}
todo, done = [r.name for r in todo if r.name not in tests], {}
while todo:
    name = re.sub(r'[-_.]+', '-', todo.pop()).lower()
    if name in done: continue
    about = metadata.metadata(name)
    classifiers = [c.split(' :: ')[-1] for c in about.get_all('Classifier') or [] if c.startswith('License ::')]
    done[name] = dict(ecosystem='pypi', name=name, version=about['Version'],
        licence=about.get('License-Expression') or ', '.join(c for c in classifiers if c != 'OSI Approved') or (about.get('License') or '').strip().split('\n')[0])
    for text in about.get_all('Requires-Dist') or []:
        need = Requirement(text)
        if need.marker and not need.marker.evaluate({'extra': ''}): continue
        try: metadata.version(need.name)
        except metadata.PackageNotFoundError: continue
        todo.append(need.name)
print(json.dumps(sorted(done.values(), key=lambda c: c['name'])))
`;

/** The trainer's packages and what they need, or undefined where its environment isn't there. */
export function pythonComponents(python = '.cache/venv/bin/python') {
  if (!existsSync(python)) return undefined;
  const requirements = 'services/trainer/requirements.txt';
  const { status, stdout, stderr } = spawnSync(python, ['-c', LIST_PYTHON, requirements], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The trainer's packages can't be listed: ${stderr}`);
  return JSON.parse(stdout);
}
