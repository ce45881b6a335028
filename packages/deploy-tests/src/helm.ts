import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './objects.js';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const chart = `${root}charts/soundstage`;
export const namespace = 'soundstage';

const helm = process.env.SOUNDSTAGE_HELM ?? `${root}.cache/helm/helm`;

/** Whether `./soundstage test` has brought Helm and Kubernetes' schemas. */
export const helmIsThere = existsSync(helm);

/** A suite that needs Helm; skipped, with a word, where it isn't there. */
export const describeChart: typeof describe.skip = helmIsThere ? describe : describe.skip;
if (!helmIsThere) console.log('Tests of the chart are skipped: Helm isn’t there (./soundstage test brings it)');

/** Arguments of `helm` that choose values. */
export type Values = readonly string[];

const rendered = new Map<string, KubeObject[]>();

/** What the chart makes of values; each is rendered once. @throws with Helm's own words */
export function render(values: Values): KubeObject[] {
  const key = JSON.stringify(values);
  const known = rendered.get(key);
  if (known) return known;
  const yaml = execFileSync(helm, ['template', 'soundstage', chart, '--namespace', namespace, ...values], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const objects = parseAllDocuments(yaml)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
  rendered.set(key, objects);
  return objects;
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
