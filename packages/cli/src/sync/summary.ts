import type { SyncMade } from '@soundstage/inference';
import { driftInWords, headline, lateness, percent, sureness, type SyncSegment } from '@soundstage/sync';
import { clock } from '../clock.js';
import { table } from '../table.js';
import { curveArt } from './curve-art.js';

/** What a person wants to know, in a few lines: the verdict first, then what it rests on, then what was done. */
export function summary(made: SyncMade, name: string): string {
  const { before, after, durationS, warnings } = made;
  const totalS = Object.values(made.timings).reduce((sum, s) => sum + s, 0);
  const sure =
    before.verdict === 'cannot_tell' ? '' : ` (${sureness(before.confidence)}, ${percent(before.confidence)})`;
  const curve = curveArt(before.evidence);
  const lines: [string, string][] = [
    ['Done', made.whatWasDone],
    ...(after === undefined ? [] : [['Measured again', `${headline(after)}.`] as [string, string]]),
    ...(made.outputPath === undefined ? [] : [['Repaired film', made.outputPath] as [string, string]]),
    ...(made.reportPath === undefined ? [] : [['Report', made.reportPath] as [string, string]]),
    ['Took', `${totalS.toFixed(1)} s (${(totalS / durationS).toFixed(2)} × real time)`],
    ...warnings.filter((warning) => warning !== made.whatWasDone).map((warning): [string, string] => ['Note', warning]),
  ];
  return [
    `${name}: ${headline(before)}${sure}.\n`,
    ...(before.detail === '' ? [] : [`${before.detail}\n`]),
    ...(before.segments.length === 0 ? [] : ['\n', indented(segmentTable(before.segments))]),
    ...(curve.length === 0
      ? []
      : ['\n  Agreement of lips and sound, by how the sound comes:\n', indented(`${curve.join('\n')}\n`)]),
    '\n',
    ...lines.map(([words, text]) => `${words.padEnd(17)}${text}\n`),
  ].join('');
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
