import type { SyncMeasurement, SyncSegment } from '../measurement.js';

const RATE_HZ = 100;
const WINDOW_S = 1.9;
const STEP_MS = 10;
/** Neighbouring windows with offsets closer than this belong together. */
const SAME_MS = 45;

/** Two signals that move together: what lips do, and the sound that comes so many ms later at each time. */
export interface MadeSignals {
  lips: Float64Array;
  sound: Float64Array;
  durationS: number;
}

/** Lips at random, and sound that follows them by `offsetMs`; with `unrelated` it is another's. */
export function makeSignals(options: {
  durationS: number;
  offsetMs: (timeS: number) => number;
  seed?: number;
  unrelated?: boolean;
}): MadeSignals {
  const { durationS, offsetMs, seed = 1, unrelated = false } = options;
  const count = Math.round(durationS * RATE_HZ);
  const lips = smoothNoise(count, seed);
  const source = unrelated ? smoothNoise(count, seed + 100) : lips;
  const noise = smoothNoise(count, seed + 200);
  const sound = Float64Array.from({ length: count }, (_, i) => {
    const at = i - (offsetMs(i / RATE_HZ) / 1000) * RATE_HZ;
    return valueAt(source, at) + 0.5 * noise[i]!;
  });
  return { lips, sound, durationS };
}

/** Measures signals by cross-correlating them in windows: slow and plain, but nothing in its answer is known beforehand. */
export function measureSignals(
  { lips, sound, durationS }: MadeSignals,
  options: { rangeMs?: number; silence?: readonly { startS: number; endS: number }[]; stepS?: number } = {},
): SyncMeasurement {
  const { rangeMs = 1000, silence = [], stepS = 0.25 } = options;
  const offsetsMs = Array.from({ length: (2 * rangeMs) / STEP_MS + 1 }, (_, i) => i * STEP_MS - rangeMs);
  const half = Math.round((WINDOW_S / 2) * RATE_HZ);
  const raw: { timeS: number; scores: number[] }[] = [];
  for (let timeS = stepS / 2; timeS < durationS; timeS += stepS) {
    if (silence.some(({ startS, endS }) => timeS > startS && timeS < endS)) continue;
    const middle = Math.round(timeS * RATE_HZ);
    const scores = offsetsMs.map((ms) => correlation(lips, sound, middle - half, middle + half, ms / (1000 / RATE_HZ)));
    raw.push({ timeS, scores });
  }
  const curve = relative(offsetsMs.map((_, k) => raw.reduce((sum, { scores }) => sum + scores[k]!, 0)));
  const map = raw.map(({ timeS, scores }) => ({
    timeS,
    scores: scores.map((score) => Math.round(score * 1000) / 1000),
  }));
  const best = map.map(({ timeS, scores }) => ({ timeS, offsetMs: offsetsMs[indexOfMost(scores)]! }));
  const segments = segmentsOf(best, durationS, stepS);
  const speech = silence.length === 0 ? [{ startS: 0, endS: durationS }] : between(silence, durationS);
  const common = {
    durationS,
    warnings: [],
    evidence: { offsetsMs, curve, map, faces: [], shotsS: [0], speech },
  };
  const longest = segments.reduce<SyncSegment | undefined>((a, b) => (a && a.speechS >= b.speechS ? a : b), undefined);
  const explained = segments.reduce((sum, { speechS }) => sum + speechS, 0);
  const scattered = explained < 0.6 * map.length * stepS;
  if (!longest || scattered)
    return {
      ...common,
      verdict: 'cannot_tell',
      reason: map.length === 0 ? 'no_speech' : 'no_agreement',
      detail: 'No offset is better than another.',
      confidence: 0,
      segments: [],
    };
  const drifts = segments.length === 1 && Math.abs(longest.driftPpm) > 500;
  const small = Math.abs(longest.offsetMs) < 40;
  const verdict = segments.length > 1 ? 'piecewise' : drifts ? 'drift' : small ? 'in_sync' : 'offset';
  return {
    ...common,
    verdict,
    detail: `Measured on ${longest.speechS.toFixed(1)} s of speech.`,
    offsetMs: longest.offsetMs,
    confidence: longest.confidence,
    segments: drifts ? segments : segments.map((segment) => ({ ...segment, driftPpm: 0 })),
  };
}

/** Neighbours that agree, each with a straight line through its offsets. */
function segmentsOf(
  best: readonly { timeS: number; offsetMs: number }[],
  durationS: number,
  stepS: number,
): SyncSegment[] {
  const groups: { timeS: number; offsetMs: number }[][] = [];
  for (const each of best) {
    const last = groups.at(-1)?.at(-1);
    if (last && Math.abs(last.offsetMs - each.offsetMs) <= SAME_MS) groups.at(-1)!.push(each);
    else groups.push([each]);
  }
  // A window that lies across a change fits to neither side.
  const kept = groups.filter(({ length }) => length * stepS >= 1);
  return kept.map((group, i) => {
    const startS = i === 0 ? 0 : (kept[i - 1]!.at(-1)!.timeS + group[0]!.timeS) / 2;
    const endS = i === kept.length - 1 ? durationS : (group.at(-1)!.timeS + kept[i + 1]![0]!.timeS) / 2;
    const meanS = group.reduce((sum, { timeS }) => sum + timeS, 0) / group.length;
    const meanMs = group.reduce((sum, { offsetMs }) => sum + offsetMs, 0) / group.length;
    const spread = group.reduce((sum, { timeS }) => sum + (timeS - meanS) ** 2, 0);
    const slope =
      group.reduce((sum, { timeS, offsetMs }) => sum + (timeS - meanS) * (offsetMs - meanMs), 0) / (spread || 1);
    const middleS = (startS + endS) / 2;
    return {
      startS,
      endS,
      offsetMs: meanMs + slope * (middleS - meanS),
      driftPpm: slope * 1000,
      confidence: Math.min(0.99, 0.6 + group.length * stepS * 0.04),
      speechS: group.length * stepS,
    };
  });
}

function correlation(lips: Float64Array, sound: Float64Array, from: number, to: number, shift: number): number {
  let [together, lipsPower, soundPower] = [0, 1e-9, 1e-9];
  for (let i = Math.max(0, from); i < Math.min(lips.length, to); i++) {
    const other = sound[i + Math.round(shift)] ?? 0;
    together += lips[i]! * other;
    lipsPower += lips[i]! ** 2;
    soundPower += other ** 2;
  }
  return together / Math.sqrt(lipsPower * soundPower);
}

/** 1 is the best, 0 the mean. */
function relative(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const most = Math.max(...values);
  return values.map((value) => (most > mean ? (value - mean) / (most - mean) : 0));
}

function indexOfMost(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

function between(
  gaps: readonly { startS: number; endS: number }[],
  durationS: number,
): { startS: number; endS: number }[] {
  const edges = [0, ...gaps.flatMap(({ startS, endS }) => [startS, endS]), durationS];
  return Array.from({ length: edges.length / 2 }, (_, i) => ({
    startS: edges[2 * i]!,
    endS: edges[2 * i + 1]!,
  })).filter(({ startS, endS }) => endS > startS);
}

/** A random walk that returns: about as fast as lips. */
function smoothNoise(count: number, seed: number): Float64Array {
  let state = seed * 2654435761 + 12345;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const walk = new Float64Array(count);
  let [slow, fast] = [0, 0];
  for (let i = 0; i < count; i++) {
    fast = 0.78 * fast + random();
    slow = 0.9 * slow + 0.1 * fast;
    walk[i] = fast - 0.6 * slow;
  }
  return walk;
}

function valueAt(values: Float64Array, at: number): number {
  const below = Math.floor(at);
  const part = at - below;
  return (values[below] ?? 0) * (1 - part) + (values[below + 1] ?? 0) * part;
}
