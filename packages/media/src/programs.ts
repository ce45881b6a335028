import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { SoundstageError } from '@soundstage/core';

export type Program = 'ffmpeg' | 'ffprobe';

const OVERRIDES = { ffmpeg: 'SOUNDSTAGE_FFMPEG', ffprobe: 'SOUNDSTAGE_FFPROBE' } as const;
const found = new Map<string, string>();

/**
 * Path of ffmpeg or ffprobe: SOUNDSTAGE_FFMPEG / SOUNDSTAGE_FFPROBE, else the first on PATH.
 * Throws UNAVAILABLE with the package to install where there is none.
 */
export async function findProgram(program: Program): Promise<string> {
  const override = process.env[OVERRIDES[program]];
  const path = process.env['PATH'] ?? '';
  const key = `${program}\n${override ?? ''}\n${path}`;
  const known = found.get(key);
  if (known !== undefined && (await isExecutable(known))) return known;

  const candidates = override
    ? [override]
    : path
        .split(delimiter)
        .filter((folder) => folder !== '')
        .map((folder) => join(folder, program));
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) {
      found.set(key, candidate);
      return candidate;
    }
  }
  throw new SoundstageError(
    'UNAVAILABLE',
    override
      ? `${OVERRIDES[program]} names no program that can be run: ${override}`
      : `${program} isn't installed: install the package "ffmpeg" (apt-get install ffmpeg, dnf install ffmpeg, brew install ffmpeg) or set ${OVERRIDES[program]}.`,
  );
}

let endsWithUs: Promise<boolean> | undefined;

/** Whether util-linux is there, by which a program is ended with us even when we are killed. Looked up once. */
export function canEndWithUs(): Promise<boolean> {
  endsWithUs ??= new Promise((resolve) => {
    execFile('setpriv', ['--pdeathsig', 'KILL', 'true'], (error) => resolve(error === null));
  });
  return endsWithUs;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
