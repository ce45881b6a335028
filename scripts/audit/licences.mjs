// Fails for a package in production whose licence isn't allowed: unknown ones and those that would bind our own code.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { npmComponents, pythonComponents } from './components.mjs';

/** As Python packages say it, and as SPDX does. */
const SPDX = {
  'Apache Software License': 'Apache-2.0',
  'Apache License v2.0': 'Apache-2.0',
  'Apache License 2.0': 'Apache-2.0',
  'Apache 2.0': 'Apache-2.0',
  'BSD License': 'BSD-3-Clause',
  BSD: 'BSD-3-Clause',
  '3-Clause BSD License': 'BSD-3-Clause',
  'MIT License': 'MIT',
  'Python Software Foundation License': 'PSF-2.0',
  'The Unlicense (Unlicense)': 'Unlicense',
};

/** Whether an SPDX expression lets us use it: with OR one part must be allowed, with AND all. */
export function isAllowed(expression, allowed) {
  const tokens = (SPDX[expression] ?? expression).match(/\(|\)|[^\s()]+/g) ?? [];
  let at = 0;
  const either = () => {
    let value = both();
    while (tokens[at] === 'OR') {
      at++;
      value = both() || value;
    }
    return value;
  };
  const both = () => {
    let value = one();
    while (tokens[at] === 'AND') {
      at++;
      value = one() && value;
    }
    return value;
  };
  const one = () => {
    if (tokens[at] === '(') {
      at++;
      const value = either();
      return tokens[at++] === ')' && value;
    }
    let value = allowed.has(tokens[at++]);
    // An exception gives more rights, never fewer.
    if (tokens[at] === 'WITH') at += 2;
    return value;
  };
  return tokens.length > 0 && either() && at === tokens.length;
}

/** What is wrong, as sentences: licences that aren't allowed, exceptions that nobody needs any more. */
export function checkLicences(components, { allowed, exceptions, families = {} }) {
  const permitted = new Set(allowed);
  const unused = new Set(Object.keys(exceptions));
  const problems = [];
  for (const { ecosystem, name, version, licence } of components) {
    if (isAllowed(licence, permitted)) continue;
    const key = `${ecosystem}:${name}@${version}`;
    if (unused.delete(key) || Object.keys(families).some((start) => key.startsWith(start))) continue;
    if (exceptions[key] === undefined) problems.push(`${key} has the licence ${JSON.stringify(licence)}`);
  }
  const ecosystems = new Set(components.map(({ ecosystem }) => ecosystem));
  for (const key of unused) {
    if (ecosystems.has(key.split(':')[0])) problems.push(`the exception for ${key} is for nothing`);
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rules = JSON.parse(readFileSync(new URL('licences.json', import.meta.url), 'utf8'));
  const npm = npmComponents();
  const python = pythonComponents();
  if (!python)
    console.log('The trainer’s environment is not set up (./soundstage setup): its packages are not looked at.');
  const problems = checkLicences([...npm, ...(python ?? [])], rules);
  for (const problem of problems)
    console.error(`${problem}: choose another package, or give the reason in licences.json`);
  console.log(`${npm.length} packages of npm and ${python?.length ?? 0} of Python: ${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
