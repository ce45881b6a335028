import type { CueSheet, EnvelopePoint, HitCue, LayerCue } from '@soundstage/cues';

/** What may be changed about hits without moving them. `sound: undefined` leaves the choice to the seed. */
export type HitChange = Partial<Pick<HitCue, 'class' | 'sound' | 'strength' | 'pan' | 'muted'>>;
export type LayerChange = Partial<Pick<LayerCue, 'class' | 'sound' | 'gainDb' | 'pan' | 'muted' | 'startS' | 'endS'>>;

/** One thing that a person does to a cue sheet. Ids that the sheet doesn't have are passed over. */
export type CueEdit =
  | { kind: 'move-hits'; ids: readonly string[]; byS: number }
  | { kind: 'change-hits'; ids: readonly string[]; change: HitChange }
  | { kind: 'strengthen-hits'; ids: readonly string[]; by: number }
  | { kind: 'add-hit'; timeS: number; class: string; sound?: string | undefined; strength: number; pan: number }
  | { kind: 'delete-hits'; ids: readonly string[] }
  | { kind: 'change-layer'; id: string; change: LayerChange }
  | { kind: 'add-layer'; class: string; sound?: string | undefined }
  | { kind: 'delete-layer'; id: string }
  | { kind: 'set-point'; id: string; index: number; point: EnvelopePoint }
  | { kind: 'add-point'; id: string; point: EnvelopePoint }
  | { kind: 'delete-point'; id: string; index: number }
  | { kind: 'replace'; sheet: CueSheet };

/** A hit must lie before the end of the video, and times have this resolution in a file. */
const RESOLUTION_S = 0.0001;
const NEW_LAYER_DB = -9;

/**
 * A cue sheet after an edit. The sheet given stays as it is; one that isn't changed is given back itself. Hits stay in
 * the order of their times, all values in their ranges, ids unique.
 */
export function applyEdit(sheet: CueSheet, edit: CueEdit): CueSheet {
  switch (edit.kind) {
    case 'move-hits':
      return moveHits(sheet, new Set(edit.ids), edit.byS);
    case 'change-hits':
      return changeHits(sheet, edit.ids, (hit) => changed<HitCue>(hit, edit.change));
    case 'strengthen-hits':
      return changeHits(sheet, edit.ids, (hit) => changed<HitCue>(hit, { strength: hit.strength + edit.by }));
    case 'add-hit': {
      const { timeS, class: classId, sound, strength, pan } = edit;
      const hit: HitCue = {
        id: freshId('h', sheet.hits),
        timeS: withinVideo(sheet, timeS),
        class: classId,
        ...(sound === undefined ? {} : { sound }),
        strength: clamp(strength, 0, 1),
        pan: clamp(pan, -1, 1),
        confidence: 1,
        muted: false,
      };
      return { ...sheet, hits: sorted([...sheet.hits, hit]) };
    }
    case 'delete-hits': {
      const ids = new Set(edit.ids);
      const hits = sheet.hits.filter(({ id }) => !ids.has(id));
      return hits.length === sheet.hits.length ? sheet : { ...sheet, hits };
    }
    case 'change-layer':
      return changeLayer(sheet, edit.id, (layer) => {
        const next = changed<LayerCue>(layer, edit.change);
        const startS = rounded(clamp(next.startS, 0, sheet.video.durationS - RESOLUTION_S));
        const endS = rounded(clamp(next.endS, startS + RESOLUTION_S, sheet.video.durationS));
        return { ...next, startS, endS: Math.min(endS, sheet.video.durationS), gainDb: clamp(next.gainDb, -60, 24) };
      });
    case 'add-layer': {
      const layer: LayerCue = {
        id: freshId('l', sheet.layers),
        class: edit.class,
        ...(edit.sound === undefined ? {} : { sound: edit.sound }),
        startS: 0,
        endS: sheet.video.durationS,
        gainDb: NEW_LAYER_DB,
        pan: 0,
        confidence: 1,
        muted: false,
        envelope: [
          [0, 1],
          [sheet.video.durationS, 1],
        ],
      };
      return { ...sheet, layers: [...sheet.layers, layer] };
    }
    case 'delete-layer': {
      const layers = sheet.layers.filter(({ id }) => id !== edit.id);
      return layers.length === sheet.layers.length ? sheet : { ...sheet, layers };
    }
    case 'set-point':
      return changeLayer(sheet, edit.id, (layer) => ({ ...layer, envelope: withPoint(layer, edit.index, edit.point) }));
    case 'add-point':
      return changeLayer(sheet, edit.id, (layer) => {
        const timeS = rounded(clamp(edit.point[0], layer.startS, layer.endS));
        const point: EnvelopePoint = [timeS, clamp(edit.point[1], 0, 1)];
        const after = layer.envelope.findIndex((other) => other[0] > timeS);
        const at = after < 0 ? layer.envelope.length : after;
        return { ...layer, envelope: [...layer.envelope.slice(0, at), point, ...layer.envelope.slice(at)] };
      });
    case 'delete-point':
      return changeLayer(sheet, edit.id, (layer) =>
        // A layer without any level could not be rendered.
        layer.envelope.length > 1 && layer.envelope[edit.index]
          ? { ...layer, envelope: layer.envelope.filter((_, index) => index !== edit.index) }
          : layer,
      );
    case 'replace':
      return edit.sheet;
  }
}

/** All by the same time; the group stops where its first or last hit meets an end of the video. */
function moveHits(sheet: CueSheet, ids: ReadonlySet<string>, byS: number): CueSheet {
  const moved = sheet.hits.filter(({ id }) => ids.has(id));
  if (moved.length === 0 || !Number.isFinite(byS)) return sheet;
  const [first, last] = [moved[0]!.timeS, moved.at(-1)!.timeS];
  const room = clamp(byS, -first, Math.max(-first, withinVideo(sheet, Infinity) - last));
  if (room === 0) return sheet;
  const move = (hit: HitCue): HitCue => ({
    ...hit,
    timeS: withinVideo(sheet, hit.timeS + room),
    // A person has said so.
    confidence: 1,
  });
  return { ...sheet, hits: sorted(sheet.hits.map((hit) => (ids.has(hit.id) ? move(hit) : hit))) };
}

function changeHits(sheet: CueSheet, ids: readonly string[], change: (hit: HitCue) => HitCue): CueSheet {
  const wanted = new Set(ids);
  let touched = false;
  const hits = sheet.hits.map((hit) => {
    if (!wanted.has(hit.id)) return hit;
    const next = change(hit);
    const [strength, pan] = [clamp(next.strength, 0, 1), clamp(next.pan, -1, 1)];
    const result = { ...next, strength: rounded(strength), pan: rounded(pan) };
    if (!sameFields(result, hit)) touched = true;
    return result;
  });
  return touched ? { ...sheet, hits } : sheet;
}

function changeLayer(sheet: CueSheet, id: string, change: (layer: LayerCue) => LayerCue): CueSheet {
  const index = sheet.layers.findIndex((layer) => layer.id === id);
  const layer = sheet.layers[index];
  if (!layer) return sheet;
  const next = change(layer);
  return sameFields(next, layer) ? sheet : { ...sheet, layers: sheet.layers.with(index, next) };
}

/** A point stays between its neighbours and, where they allow it, inside of its layer. */
function withPoint(
  { envelope, startS, endS }: LayerCue,
  index: number,
  [timeS, level]: EnvelopePoint,
): EnvelopePoint[] {
  if (!envelope[index]) return envelope;
  const [before, after] = [envelope[index - 1]?.[0], envelope[index + 1]?.[0]];
  // A layer that was shortened may have points outside of it; their order counts before its ends.
  const least = before ?? Math.min(startS, after ?? startS);
  const most = after ?? Math.max(endS, before ?? endS);
  return envelope.with(index, [rounded(clamp(timeS, least, most)), rounded(clamp(level, 0, 1))]);
}

/** With a change laid over it; another class forgets the sound of the old one, unless the change names one. */
function changed<Cue extends HitCue | LayerCue>(cue: Cue, change: Partial<Cue>): Cue {
  const next = { ...cue, ...change };
  const isOther = change.class !== undefined && change.class !== cue.class;
  if ((isOther && change.sound === undefined) || next.sound === undefined) delete next.sound;
  return next;
}

function sameFields(a: object, b: object): boolean {
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((name) => one[name] === other[name]);
}

function freshId(letter: string, items: readonly { id: string }[]): string {
  const taken = new Set(items.map(({ id }) => id));
  let next = items.length + 1;
  while (taken.has(`${letter}${next}`)) next++;
  return `${letter}${next}`;
}

function sorted(hits: readonly HitCue[]): HitCue[] {
  return hits.toSorted((a, b) => a.timeS - b.timeS);
}

function withinVideo({ video }: CueSheet, timeS: number): number {
  const last = Math.floor((video.durationS - RESOLUTION_S) / RESOLUTION_S) * RESOLUTION_S;
  return rounded(clamp(timeS, 0, last));
}

function clamp(value: number, least: number, most: number): number {
  return Number.isNaN(value) ? least : Math.min(Math.max(value, least), most);
}

function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value / RESOLUTION_S) / Math.round(1 / RESOLUTION_S) : value;
}
