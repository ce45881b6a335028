/** A clip as far as its division needs it. */
export interface Clip {
  /** Key in the object store. */
  key: string;
  /** Lower-case hexadecimal hash of the content. */
  sha256: string;
  /** What the clip was cut from; empty: it stands for itself. */
  sourceId: string;
  label: string;
}

/** Clips that must stay together, in canonical order. */
export interface Source<C extends Clip = Clip> {
  /** The same for the same clips, whatever their order. */
  id: string;
  clips: C[];
}

/** Orders clips by content, so that nothing depends on the order in which they were given. */
export function canonicalOrder<C extends Clip & { id?: string }>(clips: readonly C[]): C[] {
  const text = (clip: C) => JSON.stringify([clip.sha256, clip.sourceId, clip.label, clip.key, clip.id]);
  return clips
    .map((clip) => ({ clip, text: text(clip) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ clip }) => clip);
}

/**
 * Groups clips that were cut from one source. Equal bytes under two source names join the two: otherwise a model would
 * be tested on what it was trained on.
 */
export function groupBySource<C extends Clip>(clips: readonly C[]): Source<C>[] {
  const parent = new Map<string, string>();
  const find = (name: string): string => {
    let root = name;
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up;
    parent.set(name, root);
    return root;
  };
  const contentOf = (clip: Clip) => `content ${clip.sha256}`;
  for (const clip of clips) {
    const content = find(contentOf(clip));
    parent.set(content, content);
    const source = find(`source ${clip.sourceId || clip.sha256}`);
    parent.set(source, source);
    parent.set(content, source);
  }
  const groups = new Map<string, C[]>();
  for (const clip of canonicalOrder(clips)) {
    const root = find(contentOf(clip));
    const group = groups.get(root);
    if (group) group.push(clip);
    else groups.set(root, [clip]);
  }
  // Which name became the root depends on the order of the clips; the first clip of the group does not.
  return [...groups.values()].map((members) => ({ id: members[0]?.sha256 ?? '', clips: members }));
}
