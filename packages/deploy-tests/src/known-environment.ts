import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './helm.js';

/** Packages that are part of every service's process. */
const SHARED = ['core', 'adapters', 'adapters-gcp', 'adapters-local', 'media', 'models', 'faces', 'cues', 'html'];

/**
 * The names of environment variables that the code of a process reads: those in its sources, tests left out.
 *
 * @param main its program, `services/NAME/dist/main.js` or `packages/NAME/dist/main.js`
 */
export function namesReadBy(main: string): ReadonlySet<string> {
  const own = main.replace(/\/dist\/.*$/, '');
  const folders = [...SHARED.map((name) => `packages/${name}`), own];
  return new Set(folders.flatMap((folder) => sourcesBelow(join(root, folder, 'src')).flatMap(namesIn)));
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['testing', 'contract-tests', 'page'].includes(entry.name) ? [] : sourcesBelow(path);
    return path.endsWith('.ts') && !path.endsWith('.test.ts') ? [path] : [];
  });
}

const byFile = new Map<string, string[]>();

/** Names where they are read: as a key of a schema, as a property, as an index; what stands in sentences doesn't count. */
function namesIn(file: string): string[] {
  const known = byFile.get(file);
  if (known) return known;
  const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const read = /(?:^\s*|[.{,]\s*|\[')((?:SOUNDSTAGE|OTEL|PUBSUB|STORAGE|GOOGLE)_[A-Z0-9_]+)(?='\]|\b(?!\s*=[^=]))/gm;
  const names = [...code.matchAll(read)].map(([, name]) => name!);
  byFile.set(file, names);
  return names;
}
