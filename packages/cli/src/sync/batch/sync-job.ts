import { canonicalJson, sha256 } from '@soundstage/core';
import { RANGE_S } from '@soundstage/sync';
import { headline, lateness, percent, type SyncVerdict } from '@soundstage/sync';
import type { BatchJob } from '../../batch/batch-job.js';
import type { BatchEntry } from '../../batch/entry.js';
import type { BatchTarget } from '../../batch/places.js';
import { table } from '../../table.js';
import type { SyncOptions } from '../options.js';
import { overviewPage } from '../report/overview.js';
import { VERDICTS } from '../report/verdicts.js';
import type { SyncMaker } from '../sync-maker.js';
import { figures } from './figures.js';
import { filmJson, type FilmView } from './film-view.js';
import { planFilm } from './plan-film.js';

export const SYNC_CSV = 'sync.csv';

/** Measures all films, and repairs those that can be. */
export function syncJob(
  options: SyncOptions,
  target: BatchTarget,
  open: (options: SyncOptions) => Promise<SyncMaker>,
): BatchJob<FilmView> {
  const isKept = options.output !== undefined;
  return {
    name: 'sync',
    wanted: { kinds: ['video'], result: /\.sync(-\d+)?\.\w+$/i },
    csvName: SYNC_CSV,
    recordsName: 'sync-records',
    async open() {
      const sync = await open(options);
      const { range = RANGE_S.usual, measure = false } = options;
      return {
        settings: sha256(canonicalJson({ range, measure, version: sync.version })),
        check: async () => undefined,
        plan: (input, file) => planFilm(input, file, { sync, target, options }),
        close: () => sync.close(),
      };
    },
    lightened: (film) => ({ ...film, curve: [] }),
    durationS: ({ durationS }) => durationS,
    headline: ({ before, repaired }) => headline(before) + (repaired ? ', repaired' : ''),
    line: ({ input, state, reason, tookS, clip }, made) => ({
      input: input.path,
      state,
      error: reason ?? null,
      took_s: Math.round(tookS * 1000) / 1000,
      ...(made ?? (clip && filmJson(clip, (file) => target.addressOf(file)))),
    }),
    totals: (entries) => totalsOf(entries, isKept),
    figures,
    page: overviewPage,
  };
}

function totalsOf(entries: readonly BatchEntry<FilmView>[], isKept: boolean) {
  const films = entries.flatMap(({ clip }) => clip ?? []);
  const counts = (Object.keys(VERDICTS) as SyncVerdict[]).map(
    (verdict) => [verdict, films.filter(({ before }) => before.verdict === verdict).length] as const,
  );
  const repaired = films.filter((film) => film.repaired).length;
  const told = counts.filter(([, count]) => count > 0).map(([verdict, count]) => `${count} ${VERDICTS[verdict]}`);
  return {
    lines: [
      ...(films.length > 0 && !isKept ? ['', ...filmTable(entries).trimEnd().split('\n'), ''] : []),
      ...(told.length > 0 ? [`Found            ${told.join(', ')}`] : []),
      ...(isKept && films.length > 0 ? [`Repaired         ${repaired}, the others lie where they were`] : []),
    ],
    fields: { verdicts: Object.fromEntries(counts), repaired },
  };
}

function filmTable(entries: readonly BatchEntry<FilmView>[]): string {
  return table(
    ['film', 'found', 'the sound comes', 'sure', 'parts'],
    entries.flatMap(({ input, clip }) => {
      if (clip === undefined) return [];
      const { verdict, offsetMs, confidence, segments } = clip.before;
      const isKnown = offsetMs !== undefined;
      return [
        [
          input.name,
          VERDICTS[verdict],
          isKnown ? lateness(offsetMs) : '',
          isKnown ? percent(confidence) : '',
          isKnown ? String(segments.length) : '',
        ],
      ];
    }),
  );
}
