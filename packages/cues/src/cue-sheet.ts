import * as z from 'zod';

/** More hits than this are no foley: half a million would be 35 a second for four hours. */
export const MOST_HITS = 500_000;
export const MOST_LAYERS = 10_000;
/** Points of one envelope: 50 a second for four hours. */
export const MOST_POINTS = 720_000;

const name = z.string().trim().min(1).max(100);
const share = z.number().min(0).max(1);
const seconds = z.number().min(0);
const pan = z.number().min(-1).max(1);

const hit = z.strictObject({
  /** Unique in the sheet; may be left out. A hit keeps its own small variations by its id, wherever it is moved. */
  id: name.optional(),
  /** When its attack is heard. Finer than a frame. */
  timeS: seconds,
  /** What sounds: a class of the palette. */
  class: name,
  /** Which of the class's sounds. Absent: the seed chooses. */
  sound: name.optional(),
  /** 1 is as loud as a hit gets, 0 just audible. */
  strength: share,
  /** −1 left to 1 right. */
  pan: pan.default(0),
  /** How sure the picture makes us that something is struck here; 1 for what a person put in. */
  confidence: share.default(1),
  muted: z.boolean().default(false),
});

const layer = z.strictObject({
  id: name.optional(),
  class: name,
  sound: name.optional(),
  startS: seconds,
  endS: seconds,
  /** Added to the whole layer. */
  gainDb: z.number().min(-60).max(24).default(0),
  pan: pan.default(0),
  confidence: share.default(1),
  muted: z.boolean().default(false),
  /** [seconds, gain 0 to 1], with straight lines between the points. */
  envelope: z
    .array(z.tuple([seconds, share]))
    .min(1)
    .max(MOST_POINTS),
});

/** The form of a cue sheet, without what concerns more than one of its entries. */
export const cueSheetSchema = z.strictObject({
  format: z.literal('soundstage-cues'),
  version: z.literal(1),
  video: z.strictObject({ name: z.string().max(1000), durationS: z.number().positive() }),
  /** What the picture is: things are struck, something goes on, both, or nothing in it makes a sound. */
  scene: z.enum(['struck', 'continuous', 'mixed', 'ambience']),
  /** What the picture shows, most probable first. */
  classes: z
    .array(z.strictObject({ label: name, confidence: share }))
    .max(3)
    .default([]),
  /** How far the times of the hits can be trusted in this clip; null where nothing was timed. */
  timingTrust: share.nullable().default(null),
  /** Chance for whatever the sheet leaves open, and for the small variations between hits. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  hits: z.array(hit).max(MOST_HITS).default([]),
  layers: z.array(layer).max(MOST_LAYERS).default([]),
  /** What a person should know about this plan. */
  notes: z.array(z.string().max(1000)).max(100).default([]),
});

type Written = z.output<typeof cueSheetSchema>;

/** One struck sound. */
export type HitCue = Written['hits'][number] & { id: string };
/** One sound that goes on. */
export type LayerCue = Written['layers'][number] & { id: string };
/**
 * The plan of a soundtrack, which a person may edit: what sounds when, how strong and where. Times are seconds from the
 * start of the picture. In a file its names are written with underscores: `time_s`.
 */
export type CueSheet = Omit<Written, 'hits' | 'layers'> & { hits: HitCue[]; layers: LayerCue[] };
/** What the picture is: things are struck, something goes on, both, or nothing in it makes a sound. */
export type Scene = CueSheet['scene'];
