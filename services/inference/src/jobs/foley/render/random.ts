/** A source of numbers that is all the chance there is in a job. */
export interface Random {
  /** 0 ≤ x < 1. */
  next(): number;
  /** A number between low and high. */
  between(low: number, high: number): number;
  /** A whole number from 0 to count − 1. */
  below(count: number): number;
  /** An independent source: its numbers don't change when this one is asked more or less often. */
  branch(name: string): Random;
}

/** Seeded chance: the same seed gives the same numbers on every machine. sfc32 (Doty-Humphrey, PractRand), seeded by FNV-1a. */
export function seededRandom(seed: number, path = ''): Random {
  let [a, b, c, d] = [hash(`${seed}${path}a`), hash(`${seed}${path}b`), hash(`${seed}${path}c`), 1];
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next(); // the first numbers of close seeds are alike
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    below: (count) => Math.floor(next() * count),
    branch: (name) => seededRandom(seed, `${path}/${name}`),
  };
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value | 0;
}
