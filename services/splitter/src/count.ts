import type { LabelCounts, ReasonCount, SplitCounts } from '@soundstage/contracts';
import { badInput } from '@soundstage/core';
import type { PlacedClip, Rejected, SplitName } from './dataset-clip.js';

/** More labels than this don't fit into the record of a version. */
const MOST_LABELS = 2000;
const MOST_REASONS = 50;

const none = (): SplitCounts => ({ train: 0, validation: 0, test: 0 });

export function countSplits(clips: readonly { split: SplitName }[]): SplitCounts {
  const counts = none();
  for (const { split } of clips) counts[split]++;
  return counts;
}

/** Clips of each label by split, in the order of the labels. @throws BAD_INPUT for too many labels */
export function countLabels(clips: readonly PlacedClip[], rejected: readonly Rejected[]): LabelCounts[] {
  const labels = new Map<string, LabelCounts & { clips: SplitCounts }>();
  const of = (label: string) => {
    const known = labels.get(label);
    if (known) return known;
    const fresh = { label, clips: none(), rejected: 0 };
    labels.set(label, fresh);
    return fresh;
  };
  for (const { label, split } of clips) of(label).clips[split]++;
  for (const { label } of rejected) of(label).rejected++;
  if (labels.size > MOST_LABELS) {
    throw badInput(`The dataset has ${labels.size} labels; the limit is ${MOST_LABELS}.`, 'spec.clips');
  }
  return [...labels.values()].sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
}

/** How often each reason occurs, the most frequent first. */
export function countReasons(rejected: readonly Rejected[]): ReasonCount[] {
  const counts = new Map<string, number>();
  for (const { reason } of rejected) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1))
    .slice(0, MOST_REASONS);
}

/** What a person should know before training on a dataset, in sentences. */
export function warningsOf(
  clips: readonly PlacedClip[],
  labels: readonly LabelCounts[],
  wanted: readonly SplitName[],
  { repeated, leaks }: { repeated: number; leaks: number },
): string[] {
  const warnings: string[] = [];
  const total = countSplits(clips);
  for (const split of wanted) if (total[split] === 0) warnings.push(`No clip is in ${split}.`);
  for (const split of wanted) {
    const missing = labels.filter(
      ({ clips: counts }) => counts && counts[split] === 0 && counts.train + counts.validation + counts.test > 0,
    );
    if (missing.length === 0 || total[split] === 0) continue;
    const named = missing.slice(0, 5).map(({ label }) => (label ? `“${label}”` : 'of no name'));
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
    warnings.push(
      missing.length === 1
        ? `The label ${named[0]} has no clip in ${split}.`
        : `The labels ${named.join(', ')}${more} have no clip in ${split}.`,
    );
  }
  if (repeated > 0) {
    const entries = repeated === 1 ? '1 entry' : `${repeated} entries`;
    warnings.push(`${entries} repeated a clip with the same label: it is in once.`);
  }
  if (leaks > 0) {
    const clipsWere = leaks === 1 ? '1 clip was' : `${leaks} clips were`;
    warnings.push(`The dataset has sources in two of its own splits: ${clipsWere} rejected to keep them apart.`);
  }
  return warnings;
}
