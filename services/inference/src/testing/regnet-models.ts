import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findModelFolder } from '@soundstage/models';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const SHIPPED = fileURLToPath(new URL('../../../../models/', import.meta.url));

/** Pitch of what version 1, 2 or 3 of the stand-in regnet draws, by which vocoder makes it sound, Hz. */
export const pitchOf = (version: number, voice: 'vocoder' | 'griffin_lim' = 'vocoder'): number =>
  ((10 * version + (voice === 'vocoder' ? 2 : 42)) * 22_050) / 256;

/**
 * Makes a folder of models for tests of the engine `regnet`: the stand-ins of `fixtures/` (make.py tells what they do),
 * of each the named version, and beside them the shipped models of the engine `palette`.
 */
export async function regnetModels(folder: string, stand: Readonly<Record<string, number>>): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const name of ['motion', 'onset', 'detector']) await symlink(join(SHIPPED, name), join(folder, name));
  for (const [name, version] of Object.entries({ classifier: 1, flow: 1, flow_image: 1, ...stand }))
    await cp(standIn(name, version), join(folder, name, String(version)), { recursive: true });
  const real = await findModelFolder(SHIPPED, 'classifier');
  await cp(join(real, 'labels.json'), join(folder, 'classifier', '1', 'labels.json'));
  return folder;
}

/** The folder of one stand-in. */
export function standIn(name: string, version: number): string {
  return join(FIXTURES, name, String(version));
}
