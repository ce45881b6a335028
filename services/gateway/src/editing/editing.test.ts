import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readCues, writeCues, type CueSheet } from '@soundstage/cues';
import { applyEdit, type CueEdit } from './cue-edits.js';
import { hitWords, layerWords, pointWords } from './cue-words.js';
import { createEditorStore } from './editor-store.js';
import { edited, redone, settled, startHistory, undone, type EditHistory } from './edit-history.js';
import { audible, hitLanes, hitsBetween, idsBetween, thinned } from './lanes.js';
import { levelRatio } from './preview-level.js';
import { gainLine, hitPreview, levelAt, soundsAlike } from './preview-plan.js';
import {
  contentPx,
  fitted,
  isFitted,
  resized,
  rulerMarks,
  scrolled,
  showing,
  toTimeS,
  toX,
  visibleS,
  zoomed,
} from './time-scale.js';

const cue = { pan: 0, confidence: 0.8, muted: false };
const sheet: CueSheet = {
  format: 'soundstage-cues',
  version: 1,
  video: { name: 'clip.mp4', durationS: 4 },
  scene: 'mixed',
  classes: [],
  timingTrust: 0.6,
  seed: 7,
  hits: [
    { ...cue, id: 'h1', timeS: 0.5, class: 'wood', sound: 'wood-1', strength: 0.9 },
    { ...cue, id: 'h2', timeS: 1.5, class: 'metal', strength: 0.5 },
    { ...cue, id: 'h3', timeS: 2.5, class: 'wood', strength: 0.7, muted: true },
  ],
  layers: [
    { ...cue, id: 'l1', class: 'rain', startS: 0, endS: 4, gainDb: -6, envelope: [[0, 0.2], [2, 1], [4, 0.4]] }, // prettier-ignore
  ],
  notes: [],
};
const time = (id: string, of: CueSheet) => of.hits.find((hit) => hit.id === id)!.timeS;

const ids = fc.subarray(['h1', 'h2', 'h3', 'h4', 'h5', 'nobody']);
const point = fc.tuple(fc.double({ min: -9, max: 9 }), fc.double({ min: -2, max: 2 }));
const className = fc.constantFrom('wood', 'metal', 'drum');
const anyEdit: fc.Arbitrary<CueEdit> = fc.oneof(
  fc.record({ kind: fc.constant('move-hits' as const), ids, byS: fc.double({ min: -9, max: 9 }) }),
  fc.record({
    kind: fc.constant('change-hits' as const),
    ids,
    change: fc.record(
      { class: className, strength: fc.double({ min: -1, max: 3 }), pan: fc.double() },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ kind: fc.constant('strengthen-hits' as const), ids, by: fc.double({ min: -1, max: 1 }) }),
  fc.record({
    kind: fc.constant('add-hit' as const),
    timeS: fc.double({ min: -9, max: 9 }),
    class: className,
    strength: fc.double(),
    pan: fc.double(),
  }),
  fc.record({ kind: fc.constant('delete-hits' as const), ids }),
  fc.record({
    kind: fc.constant('change-layer' as const),
    id: fc.constantFrom('l1', 'l2'),
    change: fc.record({ startS: fc.double(), endS: fc.double(), gainDb: fc.double() }, { requiredKeys: [] }),
  }),
  fc.record({ kind: fc.constant('add-layer' as const), class: fc.constant('rain') }),
  fc.record({ kind: fc.constant('delete-layer' as const), id: fc.constantFrom('l1', 'l2') }),
  fc.record({ kind: fc.constant('set-point' as const), id: fc.constant('l1'), index: fc.nat(5), point }),
  fc.record({ kind: fc.constant('add-point' as const), id: fc.constant('l1'), point }),
  fc.record({ kind: fc.constant('delete-point' as const), id: fc.constant('l1'), index: fc.nat(5) }),
);
const anySteps = fc.array(
  fc.record({
    edit: anyEdit,
    gesture: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
    fromStart: fc.boolean(),
  }),
  { maxLength: 30 },
);

describe('Any number of edits', () => {
  test('leaves a sheet that can be rendered: in order, in range, every id once', () => {
    fc.assert(
      fc.property(fc.array(anyEdit, { maxLength: 30 }), (edits) => {
        const result = edits.reduce(applyEdit, sheet);
        // The reader refuses what is unsorted, beyond the end, out of range, or there twice.
        const read = readCues(writeCues(result), { durationS: sheet.video.durationS });
        expect(read.hits.map(({ id }) => id)).toEqual(result.hits.map(({ id }) => id));
      }),
      { numRuns: 2000 },
    );
  });

  test('is taken back step by step to the sheet as it was, and done again to the last', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const start = startHistory(sheet);
        const end = steps.reduce<EditHistory>((h, { edit, ...how }) => edited(h, edit, how), start);
        let back = end;
        while (back.past.length > 0) back = undone(back);
        expect(back.present).toBe(sheet);
        let forth = back;
        while (forth.future.length > 0) forth = redone(forth);
        expect(forth.present).toBe(end.present);
      }),
    );
  });

  test('leaves the sheet that it began with untouched', () => {
    const before = structuredClone(sheet);
    fc.assert(
      fc.property(fc.array(anyEdit, { maxLength: 10 }), (edits) => {
        edits.reduce(applyEdit, sheet);
        expect(sheet).toEqual(before);
      }),
    );
  });
});

describe('A hit', () => {
  test('that is moved past another changes places with it, and is sure since a person said so', () => {
    const moved = applyEdit(sheet, { kind: 'move-hits', ids: ['h1'], byS: 1.2 });
    expect(moved.hits.map(({ id }) => id)).toEqual(['h2', 'h1', 'h3']);
    expect(moved.hits[1]).toMatchObject({ timeS: 1.7, confidence: 1 });
  });

  test('stays inside the video, and a group keeps its distances', () => {
    const early = applyEdit(sheet, { kind: 'move-hits', ids: ['h1', 'h2'], byS: -3 });
    expect([time('h1', early), time('h2', early)]).toEqual([0, 1]);
    const late = applyEdit(sheet, { kind: 'move-hits', ids: ['h2', 'h3'], byS: 30 });
    expect(time('h3', late)).toBeLessThan(4);
    expect(time('h3', late) - time('h2', late)).toBeCloseTo(1, 6);
  });

  test('of another class forgets the sound of the old one, and takes the one that is named', () => {
    const [other] = applyEdit(sheet, { kind: 'change-hits', ids: ['h1'], change: { class: 'metal' } }).hits;
    expect(other).not.toHaveProperty('sound');
    const [named] = applyEdit(sheet, { kind: 'change-hits', ids: ['h1'], change: { class: 'metal', sound: 'm' } }).hits;
    expect(named).toMatchObject({ class: 'metal', sound: 'm' });
  });

  test('that is added gets an id of its own', () => {
    const fewer = applyEdit(sheet, { kind: 'delete-hits', ids: ['h1'] });
    const more = applyEdit(fewer, { kind: 'add-hit', timeS: 3, class: 'wood', strength: 0.5, pan: 0 });
    expect(new Set(more.hits.map(({ id }) => id)).size).toBe(3);
  });

  test('is told in a sentence', () => {
    expect(hitWords(sheet, sheet.hits[2]!)).toBe('Hit 3 of 3, wood, 2.500 s, strength 70 %, confidence 80 %, muted');
    expect(layerWords(sheet.layers[0]!)).toBe('Layer rain, 0.000 s to 4.000 s, −6 dB');
    expect(pointWords(sheet.layers[0]!, 1, [2, 1])).toBe('Point 2 of 3 of rain, 2.000 s, level 100 %');
  });
});

describe('A drag', () => {
  test('is one step of undo, told from where it began, and does not stick at the end', () => {
    let history = startHistory(sheet);
    for (const byS of [0.1, 0.4, 30, 0.2]) {
      history = edited(history, { kind: 'move-hits', ids: ['h1'], byS }, { gesture: 'drag', fromStart: true });
    }
    expect(time('h1', history.present)).toBeCloseTo(0.7, 6);
    expect(undone(history).present).toBe(sheet);
    const next = edited(settled(history), { kind: 'move-hits', ids: ['h1'], byS: 0.1 }, { gesture: 'drag' });
    expect(next.past).toHaveLength(2);
  });
});

describe('An envelope point', () => {
  test('stays between its neighbours, and the last one of a layer can’t be deleted', () => {
    const { layers } = applyEdit(sheet, { kind: 'set-point', id: 'l1', index: 1, point: [9, -1] });
    expect(layers[0]!.envelope[1]).toEqual([4, 0]);
    const shorter = applyEdit(sheet, { kind: 'change-layer', id: 'l1', change: { startS: 3 } });
    const { envelope } = applyEdit(shorter, { kind: 'set-point', id: 'l1', index: 0, point: [0, 0] }).layers[0]!;
    expect(envelope[0]![0]).toBeLessThanOrEqual(envelope[1]![0]);
    const one = [0, 0].reduce((s, index) => applyEdit(s, { kind: 'delete-point', id: 'l1', index }), sheet);
    expect(applyEdit(one, { kind: 'delete-point', id: 'l1', index: 0 })).toBe(one);
  });
});

describe('The timeline', () => {
  const anyScale = fc
    .record({
      durationS: fc.double({ min: 0.5, max: 14_400, noNaN: true }),
      viewPx: fc.integer({ min: 200, max: 3000 }),
      factor: fc.double({ min: 0.01, max: 1000, noNaN: true }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ durationS, viewPx, factor, at }) => zoomed(fitted(durationS, viewPx), factor, at * viewPx));

  test('finds the time of each place, and the place of each time', () => {
    fc.assert(
      fc.property(anyScale, fc.double({ min: 0, max: 1, noNaN: true }), (scale, share) => {
        const timeS = share * scale.durationS;
        expect(toTimeS(scale, toX(scale, timeS))).toBeCloseTo(timeS, 6);
      }),
    );
  });

  test('zooms around the pointer, never beyond the film or what a browser can lay out', () => {
    fc.assert(
      fc.property(anyScale, fc.double({ min: 0.1, max: 10, noNaN: true }), (scale, factor) => {
        const next = zoomed(scale, factor, 120);
        expect(next.scrollPx).toBeGreaterThanOrEqual(0);
        expect(next.scrollPx).toBeLessThanOrEqual(Math.max(0, contentPx(next) - next.viewPx) + 1e-6);
        expect(contentPx(next)).toBeLessThanOrEqual(Math.max(16_000_000.1, next.viewPx));
        expect(contentPx(next)).toBeGreaterThanOrEqual(next.viewPx * 0.999);
        const [before, after] = [scale, next].map((s) => (s.scrollPx + 120) / s.pxPerS);
        const free = next.scrollPx > 0 && next.scrollPx < contentPx(next) - next.viewPx;
        if (free) expect(after).toBeCloseTo(before!, 3);
      }),
    );
  });

  test('keeps a fitted film fitted in another window, and shows any moment it is asked for', () => {
    expect(isFitted(resized(fitted(60, 1000), 300))).toBe(true);
    fc.assert(
      fc.property(anyScale, fc.double({ min: 0, max: 1, noNaN: true }), (scale, share) => {
        const timeS = share * scale.durationS;
        const { fromS, toS } = visibleS(showing(scale, timeS), 1);
        expect(timeS).toBeGreaterThanOrEqual(fromS);
        expect(timeS).toBeLessThanOrEqual(toS);
      }),
    );
  });

  test('marks as many seconds as have room', () => {
    expect(rulerMarks(fitted(4, 400)).map(({ label }) => label)).toEqual(['0s', '1s', '2s', '3s', '4s']);
    expect(rulerMarks(scrolled(zoomed(fitted(4, 400), 20), 4000))[0]?.label).toMatch(/^1\.\d+s$/);
    expect(rulerMarks(fitted(7200, 500)).map(({ label }) => label)).toContain('60m');
    fc.assert(fc.property(anyScale, (scale) => void expect(rulerMarks(scale).length).toBeLessThan(60)));
  });
});

describe('Lanes', () => {
  test('hold each hit once, by class', () => {
    expect(hitLanes(sheet.hits).map((lane) => [lane.class, lane.hits.map(({ id }) => id)])).toEqual([
      ['metal', ['h2']],
      ['wood', ['h1', 'h3']],
    ]);
  });

  test('give what lies in a span of time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.nat(100), fc.nat(100), (times, a, b) => {
        const hits = times.toSorted((x, y) => x - y).map((timeS) => ({ timeS }));
        const expected = hits.filter(({ timeS }) => timeS >= a && timeS < b);
        expect(hitsBetween(hits, a, b)).toEqual(expected);
      }),
    );
    expect(idsBetween(sheet.hits, 'h3', 'h2')).toEqual(['h2', 'h3']);
  });

  test('show of many hits in one place the strongest, and whatever is selected', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({
      ...sheet.hits[0]!,
      id: `h${i}`,
      timeS: i / 1000,
      strength: (i % 100) / 100,
    }));
    const shown = thinned(many, 100, (id) => id === 'h1');
    expect(shown.length).toBeLessThan(1000 / 3 + 2);
    expect(shown.map(({ id }) => id)).toContain('h1');
    expect(shown.filter(({ timeS }) => timeS >= 0.09 && timeS < 0.12).map(({ strength }) => strength)).toEqual([0.99]);
    expect(thinned(sheet.hits, 100, () => false)).toHaveLength(3);
  });

  test('that are soloed are all that is heard; what is muted never is', () => {
    expect(audible(sheet, new Set()).hits.map(({ id }) => id)).toEqual(['h1', 'h2']);
    expect(audible(sheet, new Set(['class:wood']))).toMatchObject({ hits: [{ id: 'h1' }], layers: [] });
    expect(audible(sheet, new Set(['layer:l1'])).layers).toHaveLength(1);
  });
});

describe('The preview', () => {
  test('takes the nearest strength at hand and makes up the difference', () => {
    const { url, gain } = hitPreview(sheet.hits[2]!, 7);
    expect(url).toMatch(/^\/v1\/sounds\/wood\?strength=0\.8&seed=\d+$/);
    expect(20 * Math.log10(gain)).toBeCloseTo(-2, 6);
    expect(hitPreview(sheet.hits[0]!, 7).url).toContain('sound=wood-1');
  });

  test('follows an envelope from any moment on', () => {
    const { envelope } = sheet.layers[0]!;
    const levels = [0.2, 0.2, 0.6, 0.7, 0.4];
    [-1, 0, 1, 3, 9].forEach((timeS, i) => expect(levelAt(envelope, timeS)).toBeCloseTo(levels[i]!, 9));
    const { level, points } = gainLine(sheet.layers[0]!, 1, 3);
    expect(level).toBeCloseTo(0.6, 9);
    expect(points.map(([timeS]) => timeS)).toEqual([2, 3]);
  });

  test('is as loud as what was rendered, as far as hits that stand alone tell', async () => {
    expect(
      await levelRatio(
        sheet,
        () => 9,
        async () => 0.25,
      ),
    ).toBe(10);
    expect(
      await levelRatio(
        sheet,
        () => 0.5,
        async () => 0.25,
      ),
    ).toBe(2);
    expect(
      await levelRatio(
        { ...sheet, hits: [] },
        () => 0.5,
        async () => 0.1,
      ),
    ).toBeCloseTo(5, 9);
    expect(
      await levelRatio(
        { ...sheet, hits: [], layers: [] },
        () => 1,
        async () => 1,
      ),
    ).toBe(1);
    expect(
      await levelRatio(
        sheet,
        () => 0,
        async () => 1,
      ),
    ).toBe(1);
  });

  test('knows when nothing has changed that can be heard', () => {
    expect(soundsAlike(sheet, structuredClone({ ...sheet, notes: ['seen'] }))).toBe(true);
    expect(soundsAlike(sheet, applyEdit(sheet, { kind: 'move-hits', ids: ['h1'], byS: 0.001 }))).toBe(false);
  });
});

describe('What is selected', () => {
  test('is what was added; after a deletion, the next; after an undo, what came back', () => {
    const store = createEditorStore(sheet);
    store.apply({ kind: 'add-hit', timeS: 2, class: 'metal', strength: 1, pan: 0 });
    expect(store.state()).toMatchObject({
      selection: { ids: ['h4'] },
      said: 'Hit 3 of 4, metal, 2.000 s, strength 100 %',
    });
    store.apply({ kind: 'delete-hits', ids: ['h4'] });
    expect(store.state().selection).toMatchObject({ ids: ['h3'] });
    store.undo();
    expect(store.state()).toMatchObject({ selection: { ids: ['h4'] } });
    expect(store.state().said).toMatch(/^Undo: Hit 3 of 4/);
  });

  test('is never something that isn’t there, whatever is done', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyEdit, fc.constantFrom('undo' as const, 'redo' as const))), (steps) => {
        const store = createEditorStore(sheet);
        for (const step of steps) {
          if (step === 'undo') store.undo();
          else if (step === 'redo') store.redo();
          else store.apply(step);
          const { selection, history } = store.state();
          if (selection.kind === 'hits')
            for (const id of [...selection.ids, selection.focusId])
              expect(history.present.hits.map((hit) => hit.id)).toContain(id);
          if (selection.kind === 'layer') {
            const layer = history.present.layers.find(({ id }) => id === selection.id);
            expect(layer).toBeDefined();
            if (selection.point !== undefined) expect(layer!.envelope[selection.point]).toBeDefined();
          }
        }
      }),
    );
  });

  test('makes a sheet edited only while it sounds different from what was rendered', () => {
    const store = createEditorStore(sheet);
    store.apply({ kind: 'strengthen-hits', ids: ['h1'], by: -0.2 });
    expect(store.state().dirty).toBe(true);
    store.apply({ kind: 'strengthen-hits', ids: ['h1'], by: 0.2 });
    expect(store.state().dirty).toBe(false);
    expect(createEditorStore(sheet, { ...sheet, hits: [] }).state()).toMatchObject({ dirty: true });
  });
});
