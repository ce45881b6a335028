import type { SoundClass } from '../palette/sound-class.js';

/** A class of the palette and how sure the picture makes us. */
export interface Recognised {
  label: string;
  /** 0 to 1. */
  confidence: number;
}

export interface Decision {
  chosen: SoundClass;
  /** What goes on besides, where that is clear too: the sea behind a dog. */
  also?: SoundClass | undefined;
  /** At most three, most probable first. */
  classes: Recognised[];
  /** The picture or a person says so; otherwise the choice is a makeshift. */
  sure: boolean;
  warnings: string[];
}
