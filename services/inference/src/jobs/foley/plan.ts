import { envelopePoints, type CueSheet, type HitCue, type LayerCue } from '@soundstage/cues';
import { playable } from './palette/playable.js';
import type { Palette } from './palette/palette.js';
import { scenesOf, type Scene } from './see/scenes.js';
import type { SoundClass } from './palette/sound-class.js';
import { decide, weigh, type Decision, type Sight } from './see/what.js';
import { GRID_RATE_HZ, type Onset, type Timing } from './see/when.js';

/** What was found out about a clip. */
export interface Findings {
  name: string;
  durationS: number;
  timing: Timing;
  /** What the frames show; none where a person said what sounds. */
  sights: readonly Sight[];
  /** What a person said. */
  told: Decision | undefined;
  muted: ReadonlySet<string>;
  seed: number;
}

/** A cue sheet in which no sounds are chosen yet, and what a program wants to know besides. */
export interface Plan {
  sheet: CueSheet;
  classes: Decision['classes'];
  warnings: string[];
}

/** A living thing doesn't call at each of its movements. */
const CALL_GAP_S = 0.5;
const CALL_STRENGTH = 0.4;
/** In a clip this short, a scene in which nothing is recognised shows most likely what the rest shows. */
const ONE_EVENT_S = 30;
/** What is there besides what is struck stays under it. */
const BACKGROUND_DB = -9;
const LEVEL_FLOOR_DB = -26;
/** The ear takes a swell of this length as one movement; faster changes would sound like a tremolo. */
const SMOOTHING_S = 0.3;
const LOW_TRUST = 0.35;

/**
 * Decides, scene by scene, what sounds when. A struck class sounds at the onsets, a continuous one under the envelope;
 * where nothing moves or nothing strikes, the sound of a place.
 */
export function planCues(findings: Findings, palette: Palette): Plan {
  const { durationS, timing, sights, told, muted, seed, name } = findings;
  const whole = told ?? decide(weigh(palette.classes, sights), palette, { muted });
  const parts = decided(findings, whole, palette);
  const hits: HitCue[] = [];
  const layers: LayerCue[] = [];
  const notes = new Set<string>();
  for (const part of parts) {
    const made = cuesOf(part, findings, palette);
    for (const hit of made.hits) hits.push({ id: `h${hits.length + 1}`, ...hit });
    for (const layer of made.layers) layers.push({ id: `l${layers.length + 1}`, ...layer });
    for (const note of made.notes) notes.add(note);
  }
  const trust = hits.length === 0 ? undefined : timing.trust;
  const struck = new Set(hits.map((hit) => hit.class));
  const hidden = palette.classes.some((each) => struck.has(each.id) && hardToTime(each));
  if (hidden || (trust !== undefined && trust < LOW_TRUST))
    notes.add(
      `The picture shows little of when this sounds${hidden ? ' (calls, shots and play on a distant court are of that kind)' : ''}: expect hits to be off, and move them in the cue sheet.`,
    );
  const scene = sceneOf(hits, layers, parts);
  const warnings = [...notes];
  return {
    classes: whole.classes,
    warnings,
    sheet: {
      format: 'soundstage-cues',
      version: 1,
      video: { name, durationS },
      scene,
      classes: whole.classes,
      timingTrust: trust ?? null,
      seed,
      hits,
      layers,
      notes: warnings,
    },
  };
}

/** What can be seen of these begins before or after the sound, or is a few pixels wide: measured, no better than blind. */
function hardToTime({ voiced, group, family }: SoundClass): boolean {
  return voiced || group === 'blast' || family === 'ball';
}

interface Part extends Scene {
  decision: Decision;
}

/** What each scene is; neighbours that are the same are joined. */
function decided({ timing, sights, told, muted, durationS }: Findings, whole: Decision, palette: Palette): Part[] {
  if (told !== undefined) return [{ startS: 0, endS: durationS, decision: told }];
  const parts: Part[] = [];
  for (const scene of scenesOf(timing.cutsS, durationS)) {
    const seen = sights.filter(({ timeS }) => timeS >= scene.startS && timeS < scene.endS);
    const own = seen.length === 0 ? whole : decide(weigh(palette.classes, seen), palette, { muted });
    const decision = !own.sure && whole.sure && durationS <= ONE_EVENT_S ? whole : own;
    const last = parts.at(-1);
    if (last !== undefined && last.decision.chosen === decision.chosen && last.decision.also === decision.also)
      last.endS = scene.endS;
    else parts.push({ ...scene, decision });
  }
  return parts;
}

interface Cues {
  hits: Omit<HitCue, 'id'>[];
  layers: Omit<LayerCue, 'id'>[];
  notes: string[];
}

function cuesOf(part: Part, { timing }: Findings, palette: Palette): Cues {
  const { startS, endS, decision } = part;
  const soundClass = playable(decision.chosen, palette);
  const confidence = confidenceOf(decision);
  const moves = timing.movesBetween(startS, endS);
  const also = decision.also === undefined ? [] : [playable(decision.also, palette)];
  if (soundClass.kind === 'struck') {
    const onsets = timing.onsets.filter(({ timeS }) => timeS >= startS && timeS < endS);
    const used = soundClass.voiced ? calls(onsets) : onsets;
    if (used.length > 0) {
      const hits = used.map(({ timeS, strength, side, confidence: sure }) => ({
        timeS,
        class: soundClass.id,
        strength,
        pan: side,
        confidence: sure,
        muted: false,
      }));
      const layers = also.map((each) =>
        layerOf(each, part, { confidence, gainDb: BACKGROUND_DB, timing, follows: false }),
      );
      return { hits, layers, notes: decision.warnings };
    }
    // Nothing strikes: what is heard is the place, whatever might have struck.
    const place = also[0] ?? playable(palette.ambience, palette);
    return {
      hits: [],
      layers: [layerOf(place, part, { confidence, gainDb: 0, timing, follows: false })],
      notes: [whyEven(moves, place)],
    };
  }
  const layers = [
    layerOf(soundClass, part, { confidence, gainDb: 0, timing, follows: moves }),
    ...also.map((each) => layerOf(each, part, { confidence, gainDb: BACKGROUND_DB, timing, follows: false })),
  ];
  return { hits: [], layers, notes: moves ? decision.warnings : [...decision.warnings, whyEven(false, soundClass)] };
}

function confidenceOf({ chosen, classes }: Decision): number {
  return classes.find(({ label }) => label === chosen.id)?.confidence ?? 0;
}

/** The stronger movements, and not two within a breath. */
function calls(onsets: readonly Onset[]): Onset[] {
  let lastS = -Infinity;
  return onsets.filter(({ timeS, strength }) => {
    if (strength < CALL_STRENGTH || timeS - lastS < CALL_GAP_S) return false;
    lastS = timeS;
    return true;
  });
}

function layerOf(
  soundClass: SoundClass,
  { startS, endS }: Scene,
  how: { confidence: number; gainDb: number; timing: Timing; follows: boolean },
): Omit<LayerCue, 'id'> {
  const levels = how.follows ? levelsOf(how.timing.envelope, startS, endS) : [1];
  return {
    class: soundClass.id,
    startS,
    endS,
    gainDb: how.gainDb,
    pan: 0,
    confidence: how.confidence,
    muted: false,
    envelope: envelopePoints(levels, { rateHz: GRID_RATE_HZ, startS }),
  };
}

/** The envelope of a part as gains: smoothed, its loudest at 1, the softest at LEVEL_FLOOR_DB. */
function levelsOf(envelope: Float32Array, startS: number, endS: number): Float32Array {
  const from = Math.round(startS * GRID_RATE_HZ);
  const part = envelope.slice(from, Math.max(from + 1, Math.round(endS * GRID_RATE_HZ)));
  const smooth = smoothed(part, SMOOTHING_S * GRID_RATE_HZ);
  const most = smooth.reduce((a, b) => Math.max(a, b), 1e-3);
  return smooth.map((level) => 10 ** ((LEVEL_FLOOR_DB * (1 - level / most)) / 20));
}

/** Forth and back through a one-pole filter, so that nothing is late. */
function smoothed(values: Float32Array, steps: number): Float32Array {
  const keep = Math.exp(-1 / Math.max(1, steps / 2));
  const out = Float32Array.from(values);
  for (let i = 1; i < out.length; i++) out[i] = keep * out[i - 1]! + (1 - keep) * out[i]!;
  for (let i = out.length - 2; i >= 0; i--) out[i] = keep * out[i + 1]! + (1 - keep) * out[i]!;
  return out;
}

function whyEven(moves: boolean, { label }: SoundClass): string {
  const why = moves ? 'No blow was found in the picture' : 'Nothing moves in the picture';
  return `${why}, so there is an ambience alone: ${label}.`;
}

function sceneOf(hits: readonly HitCue[], layers: readonly LayerCue[], parts: readonly Part[]): CueSheet['scene'] {
  if (hits.length > 0) return layers.length > 0 ? 'mixed' : 'struck';
  const goesOn = parts.some(({ decision }) => decision.chosen.kind === 'continuous' && decision.sure);
  return goesOn ? 'continuous' : 'ambience';
}
