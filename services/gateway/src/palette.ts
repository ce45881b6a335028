import { PaletteClassKind, type PaletteClass } from '@soundstage/contracts';
import type { SoundClassJson } from './api-types.js';
import { unary, type Upstream } from './upstream.js';

/** A palette changes with a release of the inference service, which may happen behind a gateway that stays. */
const FRESH_MS = 60_000;

export interface PaletteReader {
  classes(signal?: AbortSignal): Promise<readonly SoundClassJson[]>;
}

/** Asks the inference service what it can sound like, and remembers it for a minute. */
export function createPaletteReader(upstream: Upstream): PaletteReader {
  let known: readonly SoundClassJson[] = [];
  let freshUntilMs = 0;
  return {
    async classes(signal) {
      if (Date.now() < freshUntilMs) return known;
      const listSounds = upstream.inference.listSounds.bind(upstream.inference);
      const { classes } = await unary(listSounds, {}, signal ? { signal } : {});
      known = classes.map(classToJson);
      freshUntilMs = Date.now() + FRESH_MS;
      return known;
    },
  };
}

function classToJson({ id, label, kind, group, sounds }: PaletteClass): SoundClassJson {
  return {
    id,
    label,
    kind: kind === PaletteClassKind.CONTINUOUS ? 'continuous' : 'struck',
    group,
    sounds,
    links: { preview: `/v1/sounds/${encodeURIComponent(id)}` },
  };
}
