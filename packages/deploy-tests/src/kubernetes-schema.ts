import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { customSchemas } from './custom-schemas.js';
import { root } from './helm.js';
import { titleOf, type KubeObject } from './objects.js';

const folder = `${root}.cache/helm/schemas`;

/** The versions of Kubernetes whose schemas were brought. */
export const kubernetesVersions: readonly string[] = existsSync(folder) ? readdirSync(folder).sort() : [];

/**
 * A check of objects by the schemas of one version of Kubernetes, unknown fields refused; kinds of others (KEDA,
 * Google's, Prometheus') by `customSchemas`. It gives what is wrong.
 */
export function createSchemaCheck(version: string): (object: KubeObject) => string[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const read = (file: string): object => JSON.parse(readFileSync(`${folder}/${version}/${file}`, 'utf8')) as object;
  ajv.addSchema(read('_definitions.json'), '_definitions.json');
  const compiled = new Map<string, ValidateFunction>();

  function find({ apiVersion, kind }: KubeObject): ValidateFunction | undefined {
    const key = `${apiVersion}/${kind}`;
    const known = compiled.get(key);
    if (known) return known;
    const [group, number] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const stem = group === '' ? '' : `-${group!.split('.')[0]}`;
    const file = `${kind.toLowerCase()}${stem}-${number}.json`;
    const custom = customSchemas[key];
    if (!custom && !existsSync(`${folder}/${version}/${file}`)) return undefined;
    const validate = ajv.compile(custom ?? read(file));
    compiled.set(key, validate);
    return validate;
  }

  return (object) => {
    const validate = find(object);
    if (!validate) return [`${titleOf(object)}: ${object.apiVersion} has no such kind`];
    if (validate(object)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const extra = (params as { additionalProperty?: string }).additionalProperty;
      return `${titleOf(object)}: ${instancePath} ${message}${extra ? `: ${extra}` : ''}`;
    });
  };
}
