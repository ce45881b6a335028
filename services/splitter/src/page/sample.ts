import { sha256 } from '@soundstage/core';
import type { PlacedClip } from '../dataset-clip.js';

/**
 * Which clips to show: one of each label and split in turn, until there are enough, so that rare labels are seen too.
 * The same clips give the same choice.
 *
 * @returns indexes into `clips` in the order of the draw: any first part of it is drawn evenly too
 */
export function chooseSample(clips: readonly PlacedClip[], most: number): number[] {
  if (clips.length <= most) return clips.map((_, i) => i);
  const groups = new Map<string, { index: number; lot: string }[]>();
  clips.forEach((clip, index) => {
    const key = JSON.stringify([clip.label, clip.split]);
    const entry = { index, lot: sha256(`${clip.id}\n${clip.label}`) };
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  });
  const ordered = [...groups]
    .sort(([a], [b]) => (sha256(a) < sha256(b) ? -1 : 1))
    .map(([, entries]) => entries.sort((a, b) => (a.lot < b.lot ? -1 : 1)));
  const chosen: number[] = [];
  for (let round = 0; chosen.length < most; round++) {
    for (const group of ordered) {
      if (chosen.length < most && group[round]) chosen.push(group[round]!.index);
    }
  }
  return chosen;
}
