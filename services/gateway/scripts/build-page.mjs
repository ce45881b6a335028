// Checks the page's types and bundles it into dist/page: index.html, and assets under hashed names.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', `${root}src/page`], { stdio: 'inherit' });

rmSync(`${root}dist/page`, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { page: `${root}src/page/main.tsx` },
  bundle: true,
  minify: true,
  sourcemap: 'linked',
  format: 'esm',
  target: ['chrome120', 'firefox121', 'safari17'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'linked',
  entryNames: '[name]-[hash]',
  outdir: `${root}dist/page/assets`,
  metafile: true,
  absWorkingDir: root,
});
const built = (extension) =>
  basename(Object.keys(metafile.outputs).find((file) => new RegExp(`page-[A-Z0-9]+\\.${extension}$`).test(file)));
const html = readFileSync(`${root}src/page/index.html`, 'utf8')
  .replace('__SCRIPT__', `/assets/${built('js')}`)
  .replace('__STYLE__', `/assets/${built('css')}`);
writeFileSync(`${root}dist/page/index.html`, html);
