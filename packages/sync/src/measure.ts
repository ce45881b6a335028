import { badInput, throwIfAborted } from '@soundstage/core';
import { followFaces, type FaceModel, type FollowedFaces, type MeshModel } from '@soundstage/faces';
import { probe, type MediaInfo, type MediaLimits, type VideoInfo } from '@soundstage/media';
import type { ModelOnUse } from '@soundstage/models';
import { compare } from './compare.js';
import { decide, type DecisionRules } from './decide.js';
import { longestFaces, mapOf, seenFace } from './evidence.js';
import { lipRuns } from './lip-runs.js';
import { listen, type Ears, type Heard } from './listen.js';
import type { Looks } from './looks.js';
import type { SeenFace, SyncMeasurement } from './measurement.js';
import { FRAME_RATE_HZ, reachOf } from './model-clock.js';
import { addToRows, ROW_FRAMES, type Row } from './rows.js';
import { whoSpeaks } from './speaker.js';
import { sentenceOf } from './words-of-verdict.js';

export interface MeasureOptions {
  /** Offsets up to so many seconds to each side are tried. Within RANGE_S. */
  rangeS?: number | undefined;
  /** Where the sound is, if not in the file of the picture. Both begin at the same time. */
  soundPath?: string | undefined;
  /** What `probe` told about this file. Without it the file is probed first. */
  info?: MediaInfo | undefined;
  /** Faces that are known already aren't followed again; those that are followed are kept here. */
  looks?: Looks | undefined;
  limits?: Partial<MediaLimits> | undefined;
  signal?: AbortSignal | undefined;
  /** share: of this step, 0 to 1. The steps take turns, a block of the film after the other. */
  onProgress?: ((step: 'listen' | 'look' | 'compare', share: number) => void) | undefined;
}

/** What a measurement is made with. */
export interface SyncModels extends Ears {
  face: FaceModel;
  mesh: MeshModel;
  sync: Pick<ModelOnUse, 'run'>;
  rules: DecisionRules;
}

/** Offsets that are tried, to each side, seconds. */
export const RANGE_S = { least: 0.2, usual: 1, most: 5 } as const;
/** The film is worked through in blocks of so many seconds, so that its length takes no memory. */
const BLOCK_S = 120;
/** Lips beside speech that are looked at as well: they say when it begins and ends. */
const AROUND_SPEECH_S = 0.5;
/** Frames that are compared at once. */
const RUN_FRAMES = 250;

/**
 * Measures how picture and sound of a file lie to each other, by the lips of those who speak.
 *
 * Throws SoundstageError: BAD_INPUT where there is no moving picture, no sound, or a range that is out of its limits; and
 * what decoding throws.
 */
export async function measureSync(
  path: string,
  models: SyncModels,
  options: MeasureOptions = {},
): Promise<SyncMeasurement> {
  const { rangeS = RANGE_S.usual, looks, limits, signal, onProgress } = options;
  if (!(rangeS >= RANGE_S.least && rangeS <= RANGE_S.most))
    throw badInput(`The range must be ${RANGE_S.least} to ${RANGE_S.most} s, not ${rangeS}.`, 'rangeS');
  const info = options.info ?? (await probe(path, { ...(limits ? { limits } : {}), signal }));
  const { video } = info;
  if (video === undefined || info.still) throw badInput(`${info.name} has no moving picture.`, 'path');
  const { soundPath = path } = options;
  const sound = soundPath === path ? info : await probe(soundPath, { ...(limits ? { limits } : {}), signal });
  if (sound.audio === undefined) throw badInput(`${sound.name} has no sound.`, 'path');
  const durationS = video.startS + video.durationS;
  const film = newFilm(durationS, reachOf(rangeS));
  for (let startS = 0; startS < durationS; startS += BLOCK_S) {
    throwIfAborted(signal);
    const endS = Math.min(durationS, startS + BLOCK_S);
    const tell = (step: 'listen' | 'look' | 'compare') => (share: number) =>
      onProgress?.(step, (startS + share * (endS - startS)) / durationS);
    const heard = await listen(soundPath, { startS: startS - rangeS - 1, endS: endS + rangeS + 1 }, models, {
      ...{ info: sound, limits, signal },
    });
    film.hear(heard, startS, endS);
    tell('listen')(1);
    const spans = film.spansAround(rangeS + AROUND_SPEECH_S, startS, endS);
    if (spans.length > 0) {
      const seen = await see(path, spans, startS / BLOCK_S, { ...{ models, info, limits, signal, looks }, tell });
      await compareLips(seen, heard, { ...{ film, models, video, signal }, tell });
    }
    tell('look')(1);
    tell('compare')(1);
  }
  return film.conclude(models.rules, rangeS);
}

interface Work {
  models: SyncModels;
  signal: AbortSignal | undefined;
  tell: (step: 'look' | 'compare') => (share: number) => void;
}

/** The faces of a block, followed through its spans or as they are known. */
async function see(
  path: string,
  spans: readonly { startS: number; endS: number }[],
  block: number,
  { models, info, limits, signal, looks, tell }: Work & Pick<MeasureOptions, 'limits' | 'looks'> & { info: MediaInfo },
): Promise<FollowedFaces> {
  const known = looks?.of(block);
  if (known) return known;
  const seen = await followFaces(path, {
    ...{ info, face: models.face, mesh: models.mesh, spans, onProgress: tell('look') },
    ...(limits ? { limits } : {}),
    ...(signal ? { signal } : {}),
  });
  looks?.keep(block, seen);
  return seen;
}

/** Compares the lips of a block's faces with what is heard. */
async function compareLips(
  { tracks, shotsS }: FollowedFaces,
  heard: Heard,
  { film, models, video, signal, tell }: Work & { film: Film; video: VideoInfo },
): Promise<void> {
  film.shotsS.push(...shotsS.slice(1));
  for (const [n, track] of tracks.entries()) {
    const rows = new Map<number, Row>();
    for (const run of lipRuns(track, RUN_FRAMES))
      addToRows(rows, await compare(models.sync, run, heard, film.reach, signal), run.firstFrame, film.lags);
    film.faces.push({ rows, seen: seenFace(track, video) });
    tell('compare')((n + 1) / tracks.length);
  }
}

type Film = ReturnType<typeof newFilm>;

/** What is known of the whole film: little for each of its seconds. */
function newFilm(durationS: number, reach: number) {
  const lags = 2 * reach + 1;
  const speech = new Uint8Array(Math.ceil(durationS * FRAME_RATE_HZ) + 1);
  const faces: { rows: Map<number, Row>; seen: Omit<SeenFace, 'speaksS'> }[] = [];
  const shotsS: number[] = [];
  const speechSpans = (fromS: number, toS: number, aroundS: number) => {
    const spans: { startS: number; endS: number }[] = [];
    for (let frame = Math.floor(fromS * FRAME_RATE_HZ); frame < Math.min(speech.length, toS * FRAME_RATE_HZ); frame++) {
      if (!speech[frame]) continue;
      const startS = Math.max(fromS, frame / FRAME_RATE_HZ - aroundS);
      const endS = Math.min(toS, (frame + 1) / FRAME_RATE_HZ + aroundS);
      const last = spans.at(-1);
      if (last !== undefined && startS <= last.endS) last.endS = endS;
      else spans.push({ startS, endS });
    }
    return spans;
  };
  return {
    ...{ reach, lags, faces, shotsS },
    hear(heard: Heard, startS: number, endS: number) {
      const end = Math.min(speech.length, Math.ceil(endS * FRAME_RATE_HZ));
      for (let frame = Math.floor(startS * FRAME_RATE_HZ); frame < end; frame++)
        speech[frame] = heard.speechAt(frame) >= heard.speechThreshold ? 1 : 0;
    },
    spansAround: (aroundS: number, startS: number, endS: number) => speechSpans(startS, endS, aroundS),
    conclude(rules: DecisionRules, rangeS: number): SyncMeasurement {
      const spoken = whoSpeaks(faces.map(({ rows }) => rows));
      const rows = spoken.map(({ row }) => row);
      const decision = decide({
        ...{ rows, lags, durationS, rules },
        shotsS: [0, ...shotsS],
        speaks: (frame) => speech[frame] === 1,
        anyFace: faces.length > 0,
        anySpeech: speech.includes(1),
      });
      const { stretches, ...told } = decision;
      const speaksS = new Float64Array(faces.length);
      for (const { row, face } of spoken) speaksS[face]! += speaksIn(row, speech);
      const seen = faces.map((face, n) => ({ ...face.seen, speaksS: speaksS[n]! }));
      return {
        ...told,
        detail: sentenceOf(decision, rangeS),
        durationS,
        warnings: [],
        evidence: {
          ...mapOf(rows, stretches, lags),
          faces: longestFaces(seen),
          shotsS: [0, ...shotsS],
          speech: speechSpans(0, durationS, 0.2),
        },
      };
    },
  };
}

function speaksIn(row: Row, speech: Uint8Array): number {
  const first = row.at * ROW_FRAMES;
  return speech.subarray(first, first + row.frames).reduce((sum, speaks) => sum + speaks, 0) / FRAME_RATE_HZ;
}
