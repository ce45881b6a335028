import type { CueSheet, EnvelopePoint, HitCue, LayerCue } from '@soundstage/cues';

const percent = (share: number) => `${Math.round(share * 100)} %`;
const seconds = (timeS: number) => `${timeS.toFixed(3)} s`;

/** `left 40 %`, `middle` */
export function panWords(pan: number): string {
  if (Math.abs(pan) < 0.005) return 'middle';
  return `${pan < 0 ? 'left' : 'right'} ${percent(Math.abs(pan))}`;
}

/** `−6 dB` */
export function gainWords(gainDb: number): string {
  return `${gainDb > 0 ? '+' : ''}${Number(gainDb.toFixed(1))} dB`.replace('-', '−');
}

/**
 * `Hit 3 of 12, wood, 1.234 s, strength 70 %`
 *
 * @param place of the hit in the order of time, from 1, where the caller has it at hand
 */
export function hitWords(sheet: CueSheet, hit: HitCue, place = sheet.hits.indexOf(hit) + 1): string {
  const rest = [
    ...(Math.abs(hit.pan) < 0.005 ? [] : [panWords(hit.pan)]),
    ...(hit.confidence < 0.995 ? [`confidence ${percent(hit.confidence)}`] : []),
    ...(hit.muted ? ['muted'] : []),
  ];
  const told = [
    `Hit ${place} of ${sheet.hits.length}`,
    hit.class,
    seconds(hit.timeS),
    `strength ${percent(hit.strength)}`,
  ];
  return [...told, ...rest].join(', ');
}

/** `Layer rain, 0.000 s to 4.000 s, −6 dB, muted` */
export function layerWords(layer: LayerCue): string {
  const told = [`Layer ${layer.class}`, `${seconds(layer.startS)} to ${seconds(layer.endS)}`, gainWords(layer.gainDb)];
  return [...told, ...(layer.muted ? ['muted'] : [])].join(', ');
}

/** `Point 2 of 5 of rain, 1.500 s, level 40 %` */
export function pointWords(layer: LayerCue, index: number, [timeS, level]: EnvelopePoint): string {
  return `Point ${index + 1} of ${layer.envelope.length} of ${layer.class}, ${seconds(timeS)}, level ${percent(level)}`;
}

/** `12 hits`, `one hit` */
export function countOf(count: number, one: string): string {
  return count === 1 ? `one ${one}` : `${count} ${one}s`;
}
