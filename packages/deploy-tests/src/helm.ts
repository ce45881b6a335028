import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './objects.js';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const chart = `${root}charts/soundstage`;
export const namespace = 'soundstage';

const kept = `${root}.cache/helm/rendered`;
const helm = process.env.SOUNDSTAGE_HELM ?? `${root}.cache/helm/helm`;

/** Whether `./soundstage test` has brought Helm and Kubernetes' schemas. */
export const helmIsThere = existsSync(helm);

/** A suite that needs Helm; skipped, with a word, where it isn't there. */
export const describeChart: typeof describe.skip = helmIsThere ? describe : describe.skip;
if (!helmIsThere) console.log('Tests of the chart are skipped: Helm isn’t there (./soundstage test brings it)');

/** Arguments of `helm` that choose values. */
export type Values = readonly string[];

const rendered = new Map<string, KubeObject[]>();

/**
 * What the chart makes of values. Each is rendered once: kept in memory, and for the other test files in a file that is
 * named after the content of the chart and the values.
 *
 * @throws with Helm's own words
 */
export function render(values: Values): KubeObject[] {
  const key = JSON.stringify(values);
  const known = rendered.get(key);
  if (known) return known;
  const file = join(kept, `${createHash('sha256').update(chartHash()).update(key).digest('hex')}.json`);
  const objects = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as KubeObject[]) : renderAnew(values);
  if (!existsSync(file)) {
    mkdirSync(kept, { recursive: true });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(objects));
    renameSync(`${file}.${process.pid}`, file);
  }
  rendered.set(key, objects);
  return objects;
}

function renderAnew(values: Values): KubeObject[] {
  const yaml = execFileSync(helm, ['template', 'soundstage', chart, '--namespace', namespace, ...values], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}

let hashed: string | undefined;
function chartHash(): string {
  if (hashed !== undefined) return hashed;
  const hash = createHash('sha256');
  const files = readdirSync(chart, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    hash.update(file).update(readFileSync(file));
  }
  return (hashed = hash.digest('hex'));
}

/** What Helm says to values that it refuses; empty where it takes them. */
export function refusal(values: Values): string {
  const { status, stderr } = spawnSync(helm, ['template', 'soundstage', chart, ...values], { encoding: 'utf8' });
  return status === 0 ? '' : stderr;
}

/** `helm lint --strict`: its output where it finds something. */
export function lint(values: Values): string {
  const { status, stdout, stderr } = spawnSync(helm, ['lint', '--strict', chart, ...values], { encoding: 'utf8' });
  return status === 0 ? '' : stdout + stderr;
}

/** The notes that are shown after an installation. */
export function notes(values: Values): string {
  return execFileSync(helm, ['install', 'soundstage', chart, '--namespace', namespace, '--dry-run=client', ...values], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).replace(/^[\s\S]*\nNOTES:\n/, '');
}
