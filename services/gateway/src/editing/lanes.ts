import type { CueSheet, HitCue } from '@soundstage/cues';

/** The hits of one class, in the order of time. */
export interface HitLane {
  class: string;
  hits: HitCue[];
}

/** A lane for each class of hits, by name, so that a lane stays where it is while its hits are moved. */
export function hitLanes(hits: readonly HitCue[]): HitLane[] {
  const lanes = new Map<string, HitCue[]>();
  for (const hit of hits) {
    const lane = lanes.get(hit.class);
    if (lane) lane.push(hit);
    else lanes.set(hit.class, [hit]);
  }
  return [...lanes].map(([id, lane]) => ({ class: id, hits: lane })).sort((a, b) => (a.class < b.class ? -1 : 1));
}

/** What lies in a span of time: a binary search, since a film has tens of thousands of hits. */
export function hitsBetween<Cue extends { timeS: number }>(hits: readonly Cue[], fromS: number, toS: number): Cue[] {
  return hits.slice(firstFrom(hits, fromS), firstFrom(hits, toS));
}

/**
 * As many hits as can be told apart: of those that would lie within a few pixels of each other, the strongest. What
 * `keep` names is always there.
 */
export function thinned(hits: readonly HitCue[], pxPerS: number, keep: (id: string) => boolean, leastPx = 3): HitCue[] {
  const buckets = new Map<number, HitCue>();
  const kept: HitCue[] = [];
  for (const hit of hits) {
    if (keep(hit.id)) kept.push(hit);
    else {
      const bucket = Math.floor((hit.timeS * pxPerS) / leastPx);
      const there = buckets.get(bucket);
      if (!there || hit.strength > there.strength) buckets.set(bucket, hit);
    }
  }
  return [...buckets.values(), ...kept];
}

/** The index of the first hit at a time or after it; hits are in the order of their times. */
export function firstFrom(hits: readonly { timeS: number }[], timeS: number): number {
  let [low, high] = [0, hits.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hits[middle]!.timeS < timeS) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `class:wood` or `layer:l1`: what can be listened to alone. */
export type LaneName = `class:${string}` | `layer:${string}`;

/** What is heard: nothing that is muted, and where lanes are soloed, nothing but them. */
export function audible(sheet: CueSheet, solo: ReadonlySet<string>): Pick<CueSheet, 'hits' | 'layers'> {
  const plays = (lane: LaneName) => solo.size === 0 || solo.has(lane);
  return {
    hits: sheet.hits.filter((hit) => !hit.muted && plays(`class:${hit.class}`)),
    layers: sheet.layers.filter((layer) => !layer.muted && plays(`layer:${layer.id}`)),
  };
}

/** All from one hit to another in the order of time, both included. */
export function idsBetween(hits: readonly HitCue[], fromId: string, toId: string): string[] {
  const [from, to] = [hits.findIndex(({ id }) => id === fromId), hits.findIndex(({ id }) => id === toId)];
  if (from < 0 || to < 0) return [toId];
  return hits.slice(Math.min(from, to), Math.max(from, to) + 1).map(({ id }) => id);
}
