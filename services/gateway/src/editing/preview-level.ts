import type { CueSheet, HitCue, LayerCue } from '@soundstage/cues';

/** Hits that ring into each other say nothing about either. */
const ALONE_S = 0.25;
const ATTACK_S = 0.08;
const MOST_COMPARED = 8;
/** More than this is no difference in level but a mistake. */
const MOST_RATIO = 10;

/**
 * How much louder a rendered soundtrack is than its previews: rendering sets the whole to a target loudness, which a
 * preview of one sound doesn't know. The median over some hits that stand alone, else over the layers.
 *
 * @param rendered the loudest sample between two times of the rendered soundtrack
 * @param preview the loudest sample of a cue's preview, at the gain that it is played with
 * @returns a gain, 1 where nothing can be compared
 */
export async function levelRatio(
  { hits, layers }: CueSheet,
  rendered: (fromS: number, toS: number) => number,
  preview: (cue: HitCue | LayerCue) => Promise<number>,
): Promise<number> {
  const alone = hits.filter(({ timeS, muted }, i) => {
    const [before, after] = [hits[i - 1]?.timeS ?? -Infinity, hits[i + 1]?.timeS ?? Infinity];
    return !muted && timeS - before > ALONE_S && after - timeS > ALONE_S;
  });
  const some = alone.toSorted((a, b) => b.strength - a.strength).slice(0, MOST_COMPARED);
  const heard = layers.filter(({ muted }) => !muted);
  const pairs =
    some.length > 0
      ? some.map(async (hit) => [rendered(hit.timeS, hit.timeS + ATTACK_S), await preview(hit)] as const)
      : heard.slice(0, 1).map(async (layer) => {
          const most = layer.envelope.reduce((level, point) => Math.max(level, point[1]), 0);
          return [rendered(layer.startS, layer.endS), most * (await preview(layer))] as const;
        });
  const ratios = (await Promise.all(pairs))
    .filter(([loud, soft]) => loud > 0 && soft > 0)
    .map(([loud, soft]) => loud / soft)
    .sort((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)] ?? 1;
  return Math.min(Math.max(median, 1 / MOST_RATIO), MOST_RATIO);
}
