// Calls of animals and of a baby of which no recording could be had: a source of pulses and breath through the
// resonances of a throat (source and filter: Fant 1960; Klatt, Software for a cascade/parallel formant synthesizer,
// JASA 1980). Made from numbers: nobody has a right in it.

const SAMPLE_RATE_HZ = 48_000;

/**
 * @typedef {object} Voice
 * @property {number} lengthS
 * @property {[number, number][]} pitchHz points of [share of the length, Hz]
 * @property {[number, number][]} level points of [share of the length, 0..1]
 * @property {[number, number, number][]} formants [Hz, bandwidth Hz, gain]
 * @property {number} [glide] formants at the end over those at the start; 1 by default
 * @property {number} breath noise beside the pulses, 0..1
 * @property {number} rough how much neighbouring pulses differ, 0..1
 * @property {number} [vibratoHz] @property {number} [vibratoDepth]
 * @property {number} tilt softness of the pulses: a one-pole low-pass at this many Hz
 */

/** @type {Record<string, Voice>} */
const VOICES = {
  cluck: {
    lengthS: 0.16,
    pitchHz: [
      [0, 330],
      [0.25, 620],
      [0.6, 540],
      [1, 360],
    ],
    level: [
      [0, 0],
      [0.06, 1],
      [0.45, 0.7],
      [1, 0],
    ],
    formants: [
      [900, 160, 1],
      [1900, 260, 0.7],
      [3300, 400, 0.35],
    ],
    glide: 0.85,
    breath: 0.12,
    rough: 0.25,
    tilt: 3500,
  },
  cackle: {
    lengthS: 0.5,
    pitchHz: [
      [0, 420],
      [0.15, 760],
      [0.7, 880],
      [1, 480],
    ],
    level: [
      [0, 0],
      [0.04, 0.8],
      [0.5, 1],
      [0.85, 0.7],
      [1, 0],
    ],
    formants: [
      [1000, 170, 1],
      [2100, 280, 0.7],
      [3500, 420, 0.35],
    ],
    glide: 0.9,
    breath: 0.15,
    rough: 0.3,
    tilt: 3800,
  },
  roar: {
    lengthS: 2.1,
    pitchHz: [
      [0, 62],
      [0.25, 118],
      [0.55, 104],
      [1, 48],
    ],
    level: [
      [0, 0],
      [0.08, 0.55],
      [0.28, 1],
      [0.6, 0.85],
      [1, 0],
    ],
    formants: [
      [330, 110, 1],
      [720, 150, 0.8],
      [1350, 260, 0.4],
      [2600, 500, 0.15],
    ],
    glide: 0.75,
    breath: 0.45,
    rough: 0.8,
    tilt: 900,
  },
  growl: {
    lengthS: 1.5,
    pitchHz: [
      [0, 44],
      [0.4, 58],
      [1, 40],
    ],
    level: [
      [0, 0],
      [0.1, 0.8],
      [0.5, 1],
      [0.8, 0.7],
      [1, 0],
    ],
    formants: [
      [260, 90, 1],
      [620, 140, 0.6],
      [1200, 260, 0.25],
    ],
    glide: 0.9,
    breath: 0.35,
    rough: 0.9,
    tilt: 700,
  },
  trumpeting: {
    lengthS: 1.4,
    pitchHz: [
      [0, 300],
      [0.12, 520],
      [0.5, 610],
      [0.85, 560],
      [1, 330],
    ],
    level: [
      [0, 0],
      [0.05, 0.7],
      [0.3, 1],
      [0.8, 0.9],
      [1, 0],
    ],
    formants: [
      [620, 130, 1],
      [1250, 180, 1],
      [2450, 300, 0.8],
      [3900, 500, 0.5],
    ],
    breath: 0.12,
    rough: 0.45,
    vibratoHz: 9,
    vibratoDepth: 0.02,
    tilt: 5000,
  },
  'baby-cry': {
    lengthS: 1.15,
    pitchHz: [
      [0, 340],
      [0.12, 470],
      [0.45, 505],
      [0.8, 455],
      [1, 330],
    ],
    level: [
      [0, 0],
      [0.07, 0.7],
      [0.3, 1],
      [0.75, 0.85],
      [1, 0],
    ],
    formants: [
      [1050, 120, 1],
      [1750, 170, 0.6],
      [3400, 260, 0.5],
      [4900, 400, 0.25],
    ],
    glide: 0.93,
    breath: 0.1,
    rough: 0.12,
    vibratoHz: 7,
    vibratoDepth: 0.012,
    tilt: 4500,
  },
  'baby-whimper': {
    lengthS: 0.6,
    pitchHz: [
      [0, 380],
      [0.3, 450],
      [1, 350],
    ],
    level: [
      [0, 0],
      [0.1, 0.9],
      [0.5, 1],
      [1, 0],
    ],
    formants: [
      [950, 130, 1],
      [1650, 180, 0.6],
      [3300, 280, 0.4],
    ],
    glide: 0.95,
    breath: 0.16,
    rough: 0.15,
    vibratoHz: 6,
    vibratoDepth: 0.015,
    tilt: 3800,
  },
};

/**
 * @param {string} name one of the voices above
 * @param {number} take another one of the same, slightly different
 * @returns {Float32Array} mono at 48 kHz
 */
export function callOf(name, take) {
  const voice = VOICES[name];
  if (!voice) throw new Error(`There is no voice ${name}`);
  const random = seeded(`${name} ${take}`);
  const stretch = 1 + 0.16 * (random() - 0.5);
  const higher = 1 + 0.12 * (random() - 0.5);
  const frames = Math.round(voice.lengthS * stretch * SAMPLE_RATE_HZ);
  const source = new Float32Array(frames);
  let phase = 0;
  let pulse = 1;
  let drift = 0;
  let last = 0;
  const soften = onePole(voice.tilt);
  for (let i = 0; i < frames; i += 1) {
    const at = i / frames;
    drift += 0.002 * (random() - 0.5) - 0.0005 * drift;
    const sway = 1 + (voice.vibratoDepth ?? 0) * Math.sin((2 * Math.PI * (voice.vibratoHz ?? 0) * i) / SAMPLE_RATE_HZ);
    phase += (curve(voice.pitchHz, at) * higher * sway * (1 + drift)) / SAMPLE_RATE_HZ;
    if (phase >= 1) {
      phase -= 1;
      pulse = 1 - voice.rough * random();
    }
    const open = glottis(phase);
    const air = voice.breath * (random() * 2 - 1) * (0.4 + 0.6 * open);
    const flow = soften(pulse * open + air);
    source[i] = (flow - last) * curve(voice.level, at); // lips turn flow into its changes
    last = flow;
  }
  const out = new Float32Array(frames);
  for (const [hz, widthHz, gain] of voice.formants) {
    const ring = resonance();
    for (let i = 0; i < frames; i += 1) {
      const glide = 1 + ((voice.glide ?? 1) - 1) * (i / frames);
      out[i] += gain * ring(source[i], hz * glide * (0.5 + 0.5 * higher), widthHz);
    }
  }
  return out;
}

/** Opens slowly, shuts fast: that is what makes overtones (Rosenberg, JASA 1971). */
function glottis(phase) {
  if (phase < 0.4) return 0.5 - 0.5 * Math.cos((Math.PI * phase) / 0.4);
  if (phase < 0.56) return Math.cos((Math.PI / 2) * ((phase - 0.4) / 0.16));
  return 0;
}

function curve(points, at) {
  let [fromAt, from] = points[0];
  for (const [toAt, to] of points) {
    if (at <= toAt) return toAt === fromAt ? to : from + ((to - from) * (at - fromAt)) / (toAt - fromAt);
    [fromAt, from] = [toAt, to];
  }
  return from;
}

function onePole(hz) {
  const keep = Math.exp((-2 * Math.PI * hz) / SAMPLE_RATE_HZ);
  let last = 0;
  return (x) => (last = (1 - keep) * x + keep * last);
}

/** A band of its own, level at its middle whatever its width. */
function resonance() {
  let [y1, y2] = [0, 0];
  return (x, hz, widthHz) => {
    const r = Math.exp((-Math.PI * widthHz) / SAMPLE_RATE_HZ);
    const cos = Math.cos((2 * Math.PI * hz) / SAMPLE_RATE_HZ);
    const y = (1 - r * r) * x + 2 * r * cos * y1 - r * r * y2;
    [y1, y2] = [y, y1];
    return y;
  };
}

/** The same take is the same bytes (xorshift32). */
function seeded(text) {
  let state = [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7) || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 8; i += 1) next();
  return next;
}
