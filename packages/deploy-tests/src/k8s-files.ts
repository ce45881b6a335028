import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { root } from './helm.js';
import type { KubeObject } from './objects.js';

/** The objects of a file of the repository, `k8s/namespace.yaml` for example. */
export function objectsOf(file: string): KubeObject[] {
  const documents = parseAllDocuments(readFileSync(root + file, 'utf8'));
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return document.toJS() as KubeObject;
  });
}

/** Any file of YAML. */
export const yamlOf = <T>(file: string): T => objectsOf(file)[0] as unknown as T;

/** The manifests of the batches, without what only kustomize reads. */
export const batchFiles: readonly string[] = readdirSync(`${root}k8s/batch`)
  .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
  .map((name) => `k8s/batch/${name}`);
