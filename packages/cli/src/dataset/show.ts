import { DatasetVersion, SplitMethod, type Dataset, type DatasetChange, type SplitCounts } from '@soundstage/contracts';
import { durationInWords } from '../batch/batch-progress.js';
import { table } from '../table.js';
import { shortId } from './names.js';

const total = (clips: SplitCounts | undefined) =>
  clips === undefined ? 0 : clips.train + clips.validation + clips.test;

/** All that people ask of a version, in lines. */
export function versionAsText(version: DatasetVersion): string {
  const { clips, labels, reasons, warnings, tags } = version;
  const unlabelled = labels.map((each) => ({ ...each, label: each.label === '' ? '(none)' : each.label }));
  const facts: [string, string][] = [
    ['Dataset', `${version.name}@${shortId(version.id)}${tags.length > 0 ? ` (${tags.join(', ')})` : ''}`],
    ['Made', version.createTime?.toISOString() ?? ''],
    ['Profile', version.profile || 'none: the clips as they were collected'],
    ['Divided', divisionInWords(version)],
    [
      'Clips',
      `${total(clips)} of ${version.sourceCount} sources, ${durationInWords(version.durationS)}` +
        (version.unknownDurationCount > 0 ? `, and ${version.unknownDurationCount} of unknown length` : ''),
    ],
    ...(version.parentVersion ? [['Follows', shortId(version.parentVersion)] as [string, string]] : []),
    ...(version.rejectedCount > 0
      ? [
          [
            'Rejected',
            `${version.rejectedCount}: ${reasons.map(({ reason, count }) => `${reason} ${count}`).join(', ')}`,
          ] as [string, string],
        ]
      : []),
    ...warnings.map((warning): [string, string] => ['Note', warning]),
  ];
  const rows = unlabelled.map(({ label, clips: of, rejected }) => [
    label,
    ...[of?.train ?? 0, of?.validation ?? 0, of?.test ?? 0, rejected].map(String),
  ]);
  const sum = ['all', clips?.train ?? 0, clips?.validation ?? 0, clips?.test ?? 0, version.rejectedCount].map(String);
  return (
    facts.map(([name, text]) => `${name.padEnd(10)}${text}\n`).join('') +
    `\n${table(['label', 'train', 'validation', 'test', 'rejected'], [...rows, sum])}`
  );
}

function divisionInWords(version: DatasetVersion): string {
  const { method, folds, seed, trainShare, validationShare, testShare } = version;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const bySeed = `, by source, seed ${seed}`;
  if (method === SplitMethod.OWN) return 'as the dataset says itself';
  if (method === SplitMethod.FOLDS) return `${folds} folds, ${percent(testShare)} kept out for test${bySeed}`;
  return `${percent(trainShare)} train, ${percent(validationShare)} validation, ${percent(testShare)} test${bySeed}`;
}

export function datasetsAsText(datasets: readonly Dataset[]): string {
  if (datasets.length === 0) {
    return 'There is no dataset yet: `soundstage dataset create` or `soundstage pipeline run` makes one.\n';
  }
  const rows = datasets.map(({ name, latestVersion, latestTime, tags }) => [
    name,
    shortId(latestVersion),
    latestTime?.toISOString() ?? '',
    tags.map(({ tag, version }) => `${tag}→${shortId(version)}`).join(' '),
  ]);
  return table(['name', 'newest', 'made', 'tags'], rows);
}

export function versionsAsText(versions: readonly DatasetVersion[]): string {
  const rows = versions.map((version) => [
    shortId(version.id),
    version.createTime?.toISOString() ?? '',
    ...[version.clips?.train ?? 0, version.clips?.validation ?? 0, version.clips?.test ?? 0].map(String),
    String(version.rejectedCount),
    version.tags.join(' '),
  ]);
  return table(['version', 'made', 'train', 'validation', 'test', 'rejected', 'tags'], rows);
}

export interface Comparison {
  fromVersion: string;
  toVersion: string;
  added: number;
  removed: number;
  moved: number;
  relabelled: number;
  remade: number;
  unchanged: number;
}

export function comparisonAsText(comparison: Comparison, changes: readonly DatasetChange[], most: number): string {
  const { fromVersion, toVersion, added, removed, moved, relabelled, remade, unchanged } = comparison;
  const counts = `${added} added, ${removed} removed, ${moved} moved, ${relabelled} relabelled, ${remade} remade`;
  const rows = changes
    .slice(0, most)
    .map((change) => [
      kindInWords(change),
      shortId(change.clipId),
      change.fromLabel === change.toLabel ? change.toLabel : `${change.fromLabel || '–'} → ${change.toLabel || '–'}`,
      change.fromPlace === change.toPlace ? change.toPlace : `${change.fromPlace || '–'} → ${change.toPlace || '–'}`,
      change.rejectedReason,
    ]);
  return (
    `${shortId(fromVersion)} → ${shortId(toVersion)}: ${counts}, ${unchanged} as they were\n` +
    (rows.length > 0 ? `\n${table(['', 'clip', 'label', 'place', 'rejected for'], rows)}` : '') +
    (changes.length > most ? `… and ${changes.length - most} more: --json lists all\n` : '')
  );
}

const KINDS = ['', 'added', 'removed', 'moved', 'relabelled', 'remade'];

export const kindInWords = ({ kind }: DatasetChange) => KINDS[kind] ?? '';

export const versionJson = (version: DatasetVersion) => DatasetVersion.toJSON(version) as Record<string, unknown>;
