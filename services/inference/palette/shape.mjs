// Turns a recording into a palette sound: struck sounds are trimmed to their attack,
// continuous ones are made to loop. All arrays are mono at 48 kHz, −1…1.

export const SAMPLE_RATE_HZ = 48_000;
const PEAK_LIMIT_DB = -1;
const MAX_STRUCK_S = 2.2;
const CONTINUOUS_TARGET_S = 4.05;
const MAX_LOOP_S = 5;
const CROSSFADE_S = 0.5;
/** A held note: what is kept of it, and where its loop is looked for. */
const TONE_S = [2.6, 3.4];
const TONE_CROSSFADE_S = 0.08;

const seconds = (s) => Math.round(s * SAMPLE_RATE_HZ);
const fromDb = (db) => 10 ** (db / 20);

/** The largest magnitude in `pcm`. */
export function peakOf(pcm) {
  let peak = 0;
  for (const value of pcm) peak = Math.max(peak, Math.abs(value));
  return peak;
}

/** The sample with the largest magnitude: a whoosh is in time when this is. */
export function peakSample(pcm) {
  const peak = peakOf(pcm);
  return pcm.findIndex((value) => Math.abs(value) === peak);
}

/** The first sample that reaches −20 dB of the peak: where an ear hears the hit begin. */
export function attackSample(pcm) {
  const threshold = peakOf(pcm) * 0.1;
  return pcm.findIndex((value) => Math.abs(value) >= threshold);
}

/**
 * A struck sound: starts 1 ms before its attack, ends where it has fallen by 50 dB (2.2 s at
 * the latest), fades out, and peaks at −1 dBFS.
 */
export function shapeStruck(pcm) {
  const from = Math.max(0, attackSample(pcm) - seconds(0.001));
  const peak = peakOf(pcm);
  let to = pcm.length;
  while (to > from && Math.abs(pcm[to - 1]) < peak * fromDb(-50)) to -= 1;
  const out = pcm.slice(from, Math.min(to, from + seconds(MAX_STRUCK_S)));
  fadeIn(out, seconds(0.0005));
  // A recording that was cut off needs a longer fade than one that died away.
  const rings = Math.abs(peakOf(out.subarray(-seconds(0.01)))) > peak * fromDb(-34);
  fadeOut(out, Math.min(seconds(rings ? 0.4 : 0.05), out.length >> 1));
  return scaled(out, fromDb(PEAK_LIMIT_DB) / peakOf(out));
}

/**
 * A continuous sound that loops without a seam.
 * @param {Float32Array} pcm
 * @param {'crossfade' | 'texture' | 'cycle' | 'tone'} mode crossfade: the end runs into the start; tone: the same where
 *   end and start are in phase;
 *   texture: overlapping pieces of a short recording; cycle: the recording is whole periods
 *   and is repeated as it is
 */
export function shapeContinuous(pcm, mode) {
  if (mode === 'cycle') return repeated(pcm, 4);
  if (mode === 'tone') return tone(pcm);
  return looped(mode === 'texture' ? texture(pcm) : pcm.subarray(0, seconds(MAX_LOOP_S)));
}

/** Scales to a loudness change in dB, and no further than a peak of −1 dBFS. */
export function withGain(pcm, gainDb) {
  return scaled(pcm, Math.min(fromDb(gainDb), fromDb(PEAK_LIMIT_DB) / peakOf(pcm)));
}

function looped(pcm) {
  const overlap = Math.min(seconds(CROSSFADE_S), pcm.length >> 2);
  const out = pcm.slice(0, pcm.length - overlap);
  for (let i = 0; i < overlap; i += 1) {
    const angle = (Math.PI / 2) * ((i + 0.5) / overlap);
    // Equal power, as start and end of a texture are not correlated.
    out[i] = pcm[i] * Math.sin(angle) + pcm[out.length + i] * Math.cos(angle);
  }
  return out;
}

/** Ends where the sound is most like its start, period by period, so that the two add up evenly. */
function tone(pcm) {
  const overlap = seconds(TONE_CROSSFADE_S);
  const longest = Math.min(seconds(TONE_S[1]), pcm.length - overlap);
  const alike = (lag, step) => {
    let [both, one, other] = [0, 1e-9, 1e-9];
    for (let i = 0; i < overlap; i += step) {
      both += pcm[i] * pcm[lag + i];
      one += pcm[i] ** 2;
      other += pcm[lag + i] ** 2;
    }
    return both / Math.sqrt(one * other) - 0.05 * Math.abs(Math.log(one / other));
  };
  const bestOf = (from, to, step) => {
    let best = from;
    for (let lag = from, most = -Infinity; lag < to; lag += 1) {
      const likeness = alike(lag, step);
      if (likeness > most) [best, most] = [lag, likeness];
    }
    return best;
  };
  const near = bestOf(Math.min(seconds(TONE_S[0]), longest - 1), longest, 16);
  const length = bestOf(Math.max(1, near - 40), Math.min(longest, near + 40), 1);
  const out = pcm.slice(0, length);
  for (let i = 0; i < overlap; i += 1) {
    const share = (i + 0.5) / overlap;
    out[i] = pcm[i] * share + pcm[length + i] * (1 - share);
  }
  return out;
}

function texture(pcm) {
  const piece = Math.min(pcm.length, seconds(1.5));
  const hop = Math.round(piece * 0.7);
  const overlap = piece - hop;
  const out = new Float32Array(seconds(CONTINUOUS_TARGET_S + CROSSFADE_S));
  // A golden-ratio walk spreads the pieces over the recording, and two neighbours never lie side by side.
  for (let at = -overlap, k = 0; at < out.length; at += hop, k += 1) {
    const from = Math.floor(((k * 0.618034) % 1) * (pcm.length - piece));
    for (let i = 0; i < piece; i += 1) {
      const to = at + i;
      if (to < 0 || to >= out.length) continue;
      const edge = Math.min(1, (i + 0.5) / overlap, (piece - i - 0.5) / overlap);
      out[to] += pcm[from + i] * Math.sin((Math.PI / 2) * edge);
    }
  }
  return out;
}

function repeated(pcm, atLeastS) {
  const times = Math.ceil(seconds(atLeastS) / pcm.length);
  const out = new Float32Array(times * pcm.length);
  for (let k = 0; k < times; k += 1) out.set(pcm, k * pcm.length);
  return out;
}

function fadeIn(pcm, length) {
  for (let i = 0; i < length; i += 1) pcm[i] *= i / length;
}

function fadeOut(pcm, length) {
  for (let i = 0; i < length; i += 1) {
    pcm[pcm.length - 1 - i] *= 0.5 - 0.5 * Math.cos((Math.PI * i) / length);
  }
}

function scaled(pcm, factor) {
  return pcm.map((value) => value * factor);
}
