import { decodeAudio, decodeFrames, probe, type MediaInfo } from '@soundstage/media';
import { SYNC_MODELS, type SyncMeasurement, type SyncSegment } from '@soundstage/sync';
import type { MeterOf } from '../jobs/sync/open-sync.js';

/** What viewers don't notice (ITU-R BT.1359), ms; positive: the sound is late. */
const NOTICED_MS = { early: -45, late: 125 };
const STEP_MS = 10;
/** A click belongs to a flash if it lies this near to where the offset puts it. */
const NEAR_MS = 30;
const SAMPLE_RATE_HZ = 16_000;

/**
 * A meter for clips of flashes and clicks: it finds both in the decoded file and the offset at which most of them meet, in
 * the whole and in each half. It runs none of the models, but says their versions.
 */
export const flashMeterOf: MeterOf = (models) => flashMeter(SYNC_MODELS.map((name) => models[name].card));

export function flashMeter(cards: readonly { name: string; version: string }[] = []): ReturnType<MeterOf> {
  const models = cards.map(({ name, version }) => ({ name, version }));
  return {
    version: models.map(({ name, version }) => `${name}/${version}`).join(),
    models,
    async measure(path, { rangeS = 1, info: given, signal, onProgress } = {}) {
      const info = given ?? (await probe(path, { signal }));
      const durationS = info.video!.startS + info.video!.durationS;
      onProgress?.('listen', 0);
      const clicksS = await clicksOf(path, info, signal);
      onProgress?.('listen', 1);
      onProgress?.('look', 0);
      const flashesS = await flashesOf(path, info, signal);
      onProgress?.('look', 1);
      onProgress?.('compare', 1);
      return judge({ clicksS, flashesS, durationS, rangeS });
    },
  };
}

interface Events {
  clicksS: readonly number[];
  flashesS: readonly number[];
  durationS: number;
  rangeS: number;
}

function judge(events: Events): SyncMeasurement {
  const { clicksS, flashesS, durationS } = events;
  if (flashesS.length === 0) return cannotTell(events, 'no_face', 'Nothing flashes.');
  if (clicksS.length === 0) return cannotTell(events, 'no_speech', 'Nothing clicks.');
  const middleS = durationS / 2;
  const halves = [
    { startS: 0, endS: middleS },
    { startS: middleS, endS: durationS },
  ].map((half) => ({ ...half, found: meet(events, half) }));
  const [first, second] = halves.map(({ found }) => found);
  const whole = meet(events, { startS: 0, endS: durationS });
  const common = { durationS, warnings: [], evidence: evidenceOf(events) };
  const segment = (startS: number, endS: number, offsetMs: number): SyncSegment => {
    return { startS, endS, offsetMs, driftPpm: 0, confidence: 0.9, speechS: endS - startS };
  };
  if (first !== undefined && second !== undefined && Math.abs(first - second) > NEAR_MS) {
    const segments = [segment(0, middleS, first), segment(middleS, durationS, second)];
    const detail = `The first half is ${Math.round(first)} ms late, the second ${Math.round(second)}.`;
    return { ...common, verdict: 'piecewise', detail, offsetMs: first, confidence: 0.9, segments };
  }
  if (whole === undefined) return cannotTell(events, 'no_agreement', 'Flashes and clicks don’t belong together.');
  const fine = whole >= NOTICED_MS.early && whole <= NOTICED_MS.late;
  return {
    ...common,
    verdict: fine ? 'in_sync' : 'offset',
    detail: `The clicks are ${Math.round(whole)} ms late.`,
    offsetMs: whole,
    confidence: 0.9,
    segments: [segment(0, durationS, whole)],
  };
}

/** The mean offset at which nearly all flashes of a stretch meet a click, or undefined. */
function meet({ clicksS, flashesS, rangeS }: Events, { startS, endS }: { startS: number; endS: number }) {
  const flashes = flashesS.filter((timeS) => timeS >= startS && timeS < endS);
  let best: number[] = [];
  for (let offsetMs = -rangeS * 1000; offsetMs <= rangeS * 1000; offsetMs += STEP_MS) {
    const met = flashes.flatMap((timeS) =>
      clicksS.map((clickS) => (clickS - timeS) * 1000).filter((each) => Math.abs(each - offsetMs) <= NEAR_MS),
    );
    if (met.length > best.length) best = met;
  }
  if (best.length < Math.max(2, 0.9 * flashes.length)) return undefined;
  return best.reduce((sum, each) => sum + each, 0) / best.length;
}

function evidenceOf({ clicksS, flashesS, durationS, rangeS }: Events): SyncMeasurement['evidence'] {
  const offsetsMs = Array.from({ length: (2000 * rangeS) / STEP_MS + 1 }, (_, i) => i * STEP_MS - rangeS * 1000);
  const scores = (flashes: readonly number[]) =>
    offsetsMs.map((offsetMs) => {
      const met = flashes.filter((timeS) =>
        clicksS.some((clickS) => Math.abs((clickS - timeS) * 1000 - offsetMs) <= NEAR_MS),
      );
      return met.length / Math.max(1, flashes.length);
    });
  const middle = { timeS: durationS / 2, x: 0, y: 0, width: 1, height: 1 };
  return {
    offsetsMs,
    curve: scores(flashesS),
    map: flashesS.map((timeS) => ({ timeS, scores: scores([timeS]) })),
    faces: flashesS.length === 0 ? [] : [{ startS: 0, endS: durationS, boxes: [middle], speaksS: durationS }],
    shotsS: [0],
    speech: clicksS.map((clickS) => ({ startS: clickS, endS: clickS + 0.1 })),
  };
}

function cannotTell(events: Events, reason: 'no_face' | 'no_speech' | 'no_agreement', detail: string): SyncMeasurement {
  return {
    verdict: 'cannot_tell',
    reason,
    detail,
    confidence: 0,
    segments: [],
    durationS: events.durationS,
    warnings: [],
    evidence: evidenceOf(events),
  };
}

async function flashesOf(path: string, info: MediaInfo, signal: AbortSignal | undefined): Promise<number[]> {
  const views = [{ name: 'light', width: 16, height: 16, pixelFormat: 'gray' as const }];
  const timesS: number[] = [];
  let wasBright = false;
  for await (const { timeS, data } of decodeFrames(path, { views, info, signal })) {
    const isBright = data.reduce((sum, value) => sum + value, 0) / data.length > 128;
    if (isBright && !wasBright) timesS.push(timeS);
    wasBright = isBright;
  }
  return timesS;
}

async function clicksOf(path: string, info: MediaInfo, signal: AbortSignal | undefined): Promise<number[]> {
  const timesS: number[] = [];
  let at = 0;
  for await (const block of decodeAudio(path, { sampleRateHz: SAMPLE_RATE_HZ, channels: 1, info, signal })) {
    for (const sample of block) {
      const timeS = at++ / SAMPLE_RATE_HZ;
      if (Math.abs(sample) > 0.3 && timeS - (timesS.at(-1) ?? -1) > 0.1) timesS.push(timeS);
    }
  }
  return timesS;
}
