const ORDER = 24;
const WINDOW = 4096;
const HOP = 2048;
/** How far the unexpected part of a click stands out over what was unexpected around it. */
const OUTSTANDING = 10;
/** A click is over after this. What lasts longer is a sound. */
const LONGEST_FRAMES = 40;
const AROUND_FRAMES = 300;
/** Where the sound after is this much louder than before, something begins there: an attack, not a click. */
const ATTACK = 2.5;
const SOFTEST = 2e-4;

export interface Click {
  timeS: number;
  channel: number;
  /** Over what was to be expected there, in dB. */
  overDb: number;
}

/**
 * Finds clicks: places where linear prediction, which follows tones and colours of noise, fails for a moment and for that
 * moment only (as in restoring old records: Godsill and Rayner, Digital Audio Restoration, 1998). Attacks are none.
 *
 * pcm: interleaved stereo.
 */
export function detectClicks(pcm: Float32Array, sampleRateHz = 48_000): Click[] {
  return [0, 1].flatMap((channel) => {
    const mono = new Float64Array(pcm.length / 2);
    for (let i = 0; i < mono.length; i++) mono[i] = pcm[i * 2 + channel]!;
    return clicksOf(mono).map(({ frame, over }) => ({
      timeS: frame / sampleRateHz,
      channel,
      overDb: 20 * Math.log10(over),
    }));
  });
}

function clicksOf(mono: Float64Array): { frame: number; over: number }[] {
  const residual = residualOf(mono);
  const clicks: { frame: number; over: number }[] = [];
  const smallAround = new Float64Array(2 * AROUND_FRAMES);
  for (let at = 0; at < residual.length; at++) {
    const size = residual[at]!;
    if (size < SOFTEST) continue;
    // Cheap first: the louder of its neighbours on both sides.
    const before = rms(residual, at - AROUND_FRAMES, at - 4);
    if (size < OUTSTANDING * before) continue;
    const after = rms(residual, at + LONGEST_FRAMES, at + LONGEST_FRAMES + AROUND_FRAMES);
    if (size < OUTSTANDING * after) continue;
    const [soundBefore, soundAfter] = [
      rms(mono, at - AROUND_FRAMES - 4, at - 4),
      rms(mono, at + LONGEST_FRAMES, at + LONGEST_FRAMES + AROUND_FRAMES),
    ];
    if (soundAfter > ATTACK * soundBefore || after > ATTACK * before) continue;
    for (let i = 0; i < AROUND_FRAMES; i++) {
      smallAround[i] = residual[at - 4 - i] ?? 0;
      smallAround[AROUND_FRAMES + i] = residual[at + LONGEST_FRAMES + i] ?? 0;
    }
    const usual = Math.max(median(smallAround) * 1.48, SOFTEST / OUTSTANDING);
    if (size < OUTSTANDING * usual) continue;
    clicks.push({ frame: at, over: size / usual });
    at += LONGEST_FRAMES;
  }
  return clicks;
}

/** What linear prediction didn't expect, sample by sample, as a size. */
function residualOf(mono: Float64Array): Float64Array {
  const residual = new Float64Array(mono.length);
  const windowed = new Float64Array(WINDOW);
  for (let from = 0; from < mono.length; from += HOP) {
    const start = from - (WINDOW - HOP) / 2;
    for (let i = 0; i < WINDOW; i++) {
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / WINDOW);
      windowed[i] = window * (mono[start + i] ?? 0);
    }
    const coefficients = predictor(windowed);
    const end = Math.min(mono.length, from + HOP);
    for (let at = from; at < end; at++) {
      let expected = 0;
      for (let k = 0; k < ORDER; k++) expected += coefficients[k]! * (at > k ? mono[at - 1 - k]! : 0);
      const error = mono[at]! - expected;
      residual[at] = error < 0 ? -error : error;
    }
  }
  return residual;
}

/** Levinson and Durbin's recursion on the autocorrelation. */
function predictor(windowed: Float64Array): Float64Array {
  const r = new Float64Array(ORDER + 1);
  for (let lag = 0; lag <= ORDER; lag++) {
    let sum = 0;
    for (let i = lag; i < windowed.length; i++) sum += windowed[i]! * windowed[i - lag]!;
    r[lag] = sum;
  }
  const a = new Float64Array(ORDER);
  if (r[0]! < 1e-12) return a;
  let error = r[0]! * (1 + 1e-9);
  for (let m = 0; m < ORDER; m++) {
    let k = r[m + 1]!;
    for (let i = 0; i < m; i++) k -= a[i]! * r[m - i]!;
    k /= error;
    const before = a.slice(0, m);
    for (let i = 0; i < m; i++) a[i] = before[i]! - k * before[m - 1 - i]!;
    a[m] = k;
    error *= 1 - k * k;
    if (error < 1e-12 * r[0]!) break;
  }
  return a;
}

function rms(values: Float64Array, from: number, to: number): number {
  const first = Math.max(0, from);
  const last = Math.min(values.length, to);
  let sum = 0;
  for (let i = first; i < last; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum / Math.max(1, last - first));
}

function median(values: Float64Array): number {
  return values.slice().sort()[values.length >> 1]!;
}
