import type { CueSheet, EnvelopePoint, HitCue, LayerCue } from '@soundstage/cues';

/** A preview of a hit has its attack so long after its start. */
export const ATTACK_S = 0.001;
/** Previews are fetched at these strengths; between them the gain makes up the difference. */
const STRENGTHS = [0.2, 0.4, 0.6, 0.8, 1];
/** From the softest to the strongest hit, as the renderer has it. */
const STRENGTH_RANGE_DB = 20;
/** Two hits in a row must not be the same recording of the same blow. */
const VARIATIONS = 3;

/** One preview to fetch: its address, and what its sound is multiplied by. */
export interface PreviewWish {
  url: string;
  gain: number;
}

/** Which preview stands for a hit. Hits at nearly the same strength share one. */
export function hitPreview(hit: HitCue, seed: number): PreviewWish {
  const strength = STRENGTHS.find((step) => step >= hit.strength - 0.05) ?? 1;
  const gain = 10 ** (((hit.strength - strength) * STRENGTH_RANGE_DB) / 20);
  return { url: previewUrl(hit, strength, (seed + variationOf(hit.id)) % Number.MAX_SAFE_INTEGER), gain };
}

export function layerPreview(layer: LayerCue, seed: number): PreviewWish {
  return { url: previewUrl(layer, 1, seed), gain: 10 ** (layer.gainDb / 20) };
}

/** A class, or one of its sounds, as it is heard before it is chosen. */
export function previewUrl(cue: { class: string; sound?: string | undefined }, strength: number, seed: number): string {
  const query = new URLSearchParams({ strength: strength.toFixed(1), seed: String(seed) });
  if (cue.sound !== undefined) query.set('sound', cue.sound);
  return `/v1/sounds/${encodeURIComponent(cue.class)}?${query.toString()}`;
}

function variationOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)!) % 9973;
  return sum % VARIATIONS;
}

/** The level of an envelope at a time: straight lines between the points, their levels held outside. */
export function levelAt(envelope: readonly EnvelopePoint[], timeS: number): number {
  const next = envelope.findIndex(([at]) => at > timeS);
  if (next === 0) return envelope[0]![1];
  const [fromS, from] = envelope.at(next < 0 ? -1 : next - 1)!;
  if (next < 0) return from;
  const [toS, to] = envelope[next]!;
  return from + ((to - from) * (timeS - fromS)) / (toS - fromS);
}

/** What a layer's gain does from a moment on: where it is, and which straight lines follow, up to `untilS`. */
export function gainLine(
  layer: Pick<LayerCue, 'envelope' | 'startS' | 'endS'>,
  fromS: number,
  untilS: number,
): { level: number; points: EnvelopePoint[] } {
  const endS = Math.min(untilS, layer.endS);
  const points = layer.envelope.filter(([timeS]) => timeS > fromS && timeS < endS);
  return { level: levelAt(layer.envelope, fromS), points: [...points, [endS, levelAt(layer.envelope, endS)]] };
}

/** Whether two sheets sound the same; names, notes and what the picture showed don't sound. */
export function soundsAlike(a: CueSheet, b: CueSheet): boolean {
  return a === b || (sameCues(a.hits, b.hits) && sameCues(a.layers, b.layers) && a.seed === b.seed);
}

function sameCues(a: readonly object[], b: readonly object[]): boolean {
  return a === b || (a.length === b.length && a.every((cue, i) => cue === b[i] || same(cue, b[i]!)));
}

function same(a: object, b: object): boolean {
  const written = (cue: object) => JSON.stringify(Object.entries(cue).sort(([x], [y]) => (x < y ? -1 : 1)));
  return written(a) === written(b);
}
