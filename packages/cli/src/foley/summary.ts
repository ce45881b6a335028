import type { FoleyMade } from '@soundstage/inference';
import type { CueSheet, Scene } from '@soundstage/cues';
import { soundingHits } from './json.js';
import type { FoleyResult } from './run.js';

/** Fainter guesses are told to programs alone. */
const WORTH_TELLING = 0.05;
const MOST_LISTED = 6;
/** Below it the times of hits are little better than guesses; the foley job warns below the same. */
export const LOW_TRUST = 0.35;
const GOOD_TRUST = 0.6;

const SCENES: Readonly<Record<Scene, string>> = {
  struck: 'struck things',
  continuous: 'a sound that goes on',
  mixed: 'struck things, and a sound that goes on',
  ambience: 'nothing in the picture makes a sound: the sound of the place',
};

/** What a person wants to know, in a few lines. */
export function summary({ outcome, takes, edited }: FoleyResult): string {
  const { candidates, durationS } = outcome;
  const first = candidates[0]!;
  const several = candidates.length > 1;
  const totalS = Object.values(outcome.timings).reduce((sum, s) => sum + s, 0);
  const lines: [string, string][] = [
    ...candidates.flatMap((candidate, index): [string, string][] => {
      const take = several ? ` (seed ${candidate.seed})` : '';
      const { cues, vtt } = takes[index]!;
      return [
        ...(candidate.output === undefined ? [] : [['Finished video', candidate.output + take] as [string, string]]),
        ...(cues === undefined ? [] : [['Cue sheet', `${cues}${take}`] as [string, string]]),
        ...(vtt === undefined ? [] : [['For players', vtt] as [string, string]]),
      ];
    }),
    ...(first.sheet === undefined
      ? [['Drawn by', listed(outcome.models.map(({ name, version }) => `${name} ${version}`))] as [string, string]]
      : inWords(first.sheet, outcome)),
    ...(soundingHits(first) === 0
      ? []
      : [['Timing', edited ? 'as the cue sheet says' : trustInWords(outcome.timingTrust)] as [string, string]]),
    ...(first.sounds.length === 0 ? [] : [['Sounds', soundsInWords(candidates)] as [string, string]]),
    ...candidates.flatMap(({ loudnessLufs, truePeakDbtp }): [string, string][] =>
      loudnessLufs === undefined || truePeakDbtp === undefined
        ? []
        : [['Loudness', `${loudnessLufs.toFixed(1)} LUFS, true peak ${truePeakDbtp.toFixed(1)} dBTP`]],
    ),
    ['Took', `${totalS.toFixed(1)} s (${(totalS / durationS).toFixed(2)} × real time)`],
    ...outcome.warnings.map((warning): [string, string] => ['Note', warning]),
  ];
  return lines.map(([name, text]) => `${name.padEnd(17)}${text}\n`).join('');
}

/** How far the times of the hits can be trusted, with what to do about it. */
export function trustInWords(trust: number | undefined): string {
  if (trust === undefined) return 'how far the times can be trusted is not known';
  const percent = `${Math.round(trust * 100)} %`;
  if (trust >= GOOD_TRUST) return `most hits may be in time; the guess is rough (trust ${percent})`;
  if (trust >= LOW_TRUST) return `some hits may be out of time: look and listen through them (trust ${percent})`;
  return `hardly better than guessed: check every hit, or edit the cue sheet (trust ${percent})`;
}

export function sceneInWords(scene: Scene): string {
  return SCENES[scene];
}

/** What a cue sheet says, in the lines of the summary. */
function inWords(sheet: CueSheet, { classes, durationS }: FoleyMade): [string, string][] {
  const told = classes
    .filter(({ confidence }) => confidence >= WORTH_TELLING)
    .map(({ label, confidence }) => `${label} (${Math.round(confidence * 100)} %)`);
  const hits = sheet.hits.filter(({ muted }) => !muted).map((hit) => hit.class);
  const layers = sheet.layers.filter(({ muted }) => !muted).map((layer) => layer.class);
  return [
    ['Heard in it', told.join(', ') || 'nothing certain'],
    ['Kind of scene', sceneInWords(sheet.scene)],
    ['Hits', hits.length === 0 ? 'none' : `${hits.length} in ${durationS.toFixed(1)} s: ${listed(hits)}`],
    ['Layers', layers.length === 0 ? 'none' : `${layers.length}: ${listed(layers)}`],
  ];
}

function soundsInWords(candidates: FoleyMade['candidates']): string {
  return listed(candidates.flatMap(({ sounds }) => sounds.map(({ name, licence }) => `${name} (${licence})`)));
}

function listed(names: readonly string[]): string {
  const different = [...new Set(names)];
  const more = different.length - MOST_LISTED;
  return different.slice(0, MOST_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
