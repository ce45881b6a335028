import { canonicalJson, sha256 } from '@soundstage/core';
import type { BatchJob } from '../../batch/batch-job.js';
import type { FoleyMaker } from '../foley-maker.js';
import { DEFAULT_SEED, type FoleyOptions } from '../options.js';
import type { ClipView } from '../report/clip-view.js';
import { reportPage } from '../report/page.js';
import { figures } from './figures.js';
import { planClip } from './plan-clip.js';

/** Soundtracks for all videos and images. */
export function foleyJob(
  options: FoleyOptions,
  open: (options: FoleyOptions) => Promise<FoleyMaker>,
): BatchJob<ClipView> {
  return {
    name: 'foley',
    wanted: { kinds: ['video', 'image'], result: /\.foley(-\d+)?\.\w+$/i },
    csvName: 'foley.csv',
    recordsName: 'records',
    async open() {
      const foley = await open(options);
      return {
        settings: settingsKey(options, foley.versionOf(options.engine)),
        check: () => foley.check(options),
        plan: (input, file, target) => planClip(input, file, { foley, target, options }),
        close: () => foley.close(),
      };
    },
    lightened: (clip) => ({
      ...clip,
      stills: [],
      takes: clip.takes.map((take) => ({ ...take, drawnHits: [], drawnLayers: [], peaks: [] })),
    }),
    durationS: ({ durationS }) => durationS,
    line({ input, state, reason, tookS, clip }, made) {
      const [first] = clip?.takes ?? [];
      return {
        input: input.path,
        state,
        reason: reason ?? null,
        took_s: Math.round(tookS * 1000) / 1000,
        ...(made ?? { output: first?.video ?? first?.cues ?? null }),
      };
    },
    figures,
    page: reportPage,
  };
}

/** Changes whenever the same input could give another result. */
export function settingsKey(options: FoleyOptions, foleyVersion: string): string {
  const {
    engine = 'palette',
    sound = '',
    mute = [],
    quality = 'standard',
    candidates = 1,
    only = '',
    saveCues = false,
  } = options;
  const { duration = 10, keepOriginal = false, seed = DEFAULT_SEED } = options;
  const what = { sound, mute: mute.toSorted(), quality, candidates, only, saveCues };
  const settings = { ...what, duration, keepOriginal, seed, foleyVersion, ...(engine === 'palette' ? {} : { engine }) };
  return sha256(canonicalJson(settings));
}
