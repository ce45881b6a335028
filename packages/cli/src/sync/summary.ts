import type { SyncMade } from '@soundstage/inference';
import { driftInWords, headline, lateness, percent, sureness, type SyncSegment } from '@soundstage/sync';
import { clock } from '../clock.js';
import { table } from '../table.js';
import { curveArt } from './curve-art.js';

/**
 * What a person wants to know, in a few lines: the verdict first, then what it rests on, then what was done.
 *
 * @param film.name as people call it
 * @param film.output where the repaired one was to go; undefined where it was only measured
 */
export function summary(made: SyncMade, { name, output }: { name: string; output: string | undefined }): string {
  const { before, durationS } = made;
  const totalS = Object.values(made.timings).reduce((sum, s) => sum + s, 0);
  const said = headline(before);
  const sure = before.offsetMs === undefined ? '' : ` (${sureness(before.confidence)}, ${percent(before.confidence)})`;
  const curve = curveArt(before.evidence);
  const lines: [string, string][] = [
    ...whatCameOfIt(made, output),
    ...(made.reportPath === undefined ? [] : [['Report', made.reportPath] as [string, string]]),
    ['Took', `${totalS.toFixed(1)} s (${(totalS / durationS).toFixed(2)} × real time)`],
    ...made.warnings
      .filter((warning) => warning !== made.whatWasDone)
      .map((warning): [string, string] => ['Note', warning]),
  ];
  return [
    `${name}: ${said}${sure}.\n`,
    // The sentence of a constant offset says the same.
    ...(before.detail === '' || before.detail === `${said}.` ? [] : [`${before.detail}\n`]),
    ...(before.segments.length === 0 ? [] : ['\n', indented(segmentTable(before.segments))]),
    ...(curve.length === 0
      ? []
      : ['\n  How well lips and sound agree, by how the sound comes:\n', indented(`${curve.join('\n')}\n`)]),
    '\n',
    ...lines.map(([words, text]) => `${words.padEnd(17)}${text}\n`),
  ].join('');
}

function whatCameOfIt(
  { before, after, outputPath, whatWasDone }: SyncMade,
  wanted: string | undefined,
): [string, string][] {
  const lines: [string, string][] = [];
  const isOff = before.verdict !== 'in_sync' && before.verdict !== 'cannot_tell';
  if (wanted === undefined) return isOff ? [['To repair it', 'say with -o where the repaired film goes']] : [];
  if (outputPath === undefined) lines.push(['Nothing written', whatWasDone]);
  else lines.push(['Repaired film', outputPath], ['What was done', whatWasDone]);
  if (after !== undefined) lines.push(['Measured again', `${headline(after)}.`]);
  return lines;
}

/** Each stretch with its offset and what that rests on. */
export function segmentTable(segments: readonly SyncSegment[]): string {
  const drifts = segments.some(({ driftPpm }) => Math.round(driftPpm) !== 0);
  return table(
    ['from', 'to', 'the sound comes', ...(drifts ? ['drift'] : []), 'sure', 'rests on'],
    segments.map(({ startS, endS, offsetMs, driftPpm, confidence, speechS }) => [
      clock(startS),
      clock(endS),
      lateness(offsetMs),
      ...(drifts ? [driftInWords(driftPpm)] : []),
      percent(confidence),
      `${speechS.toFixed(1)} s of speech`,
    ]),
  );
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');
