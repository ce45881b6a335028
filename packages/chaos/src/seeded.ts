/** Where SOUNDSTAGE_CHAOS_SEED says nothing. */
const DEFAULT_SEED = 1;

/** Decides when what is killed; printed with the table, so that a failure can be run again. */
export const SEED = Number(process.env.SOUNDSTAGE_CHAOS_SEED || DEFAULT_SEED);

export interface Chance {
  /** A number from 0 to just under 1. */
  share(): number;
  /** A number between two others. */
  between(low: number, high: number): number;
  pick<T>(of: readonly T[]): T;
  /** The same things in another order. */
  shuffled<T>(of: readonly T[]): T[];
}

/** The same seed and name give the same decisions, whatever ran before (Mulberry32). */
export function chanceOf(name: string, seed = SEED): Chance {
  let state = [...name].reduce((sum, letter) => (Math.imul(sum, 31) + letter.codePointAt(0)!) | 0, seed);
  const share = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    share,
    between: (low, high) => low + (high - low) * share(),
    pick: (of) => of[Math.floor(share() * of.length)]!,
    shuffled: (of) =>
      of
        .map((one) => ({ one, at: share() }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one),
  };
}
