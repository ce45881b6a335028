import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FoleyCandidate, FoleyEngine, FoleyQuality, FoleyResult, FoleySpec } from '@soundstage/contracts';
import {
  badInput,
  checkReference,
  fetchObject,
  storeBytes,
  storeFile,
  type Stage,
  type WorkContext,
} from '@soundstage/core';
import { MOST_CUE_BYTES, toWebVtt, writeCues } from '@soundstage/cues';
import { defaultOutputExtension, probe } from '@soundstage/media';
import { fileNameFrom, mediaTypeOf } from './input-files.js';
import { LONGEST_STILL_S } from './jobs/foley/look.js';
import type { Engine, Foley, HeldFoley } from './jobs/foley/open-foley.js';

/** What the sound may be asked for in; longer texts are no sound names. */
const LONGEST_SOUND = 200;
const MOST_MUTED = 100;
const MOST_CANDIDATES = 8;

/** The foley job as work from the queue: fetch the video, run the job, store the results. */
export function createFoleyStage(foley: Foley): Stage<FoleySpec, 'foley'> {
  return {
    kind: 'foley',
    codeVersion: foley.versionOf(),
    steps: [{ name: 'fetch', share: 2 }, ...foley.steps, { name: 'store', share: 2 }],
    spec: FoleySpec,
    result: FoleyResult,
    check: (spec) => checkSpec(spec, foley),
    inputs: (spec) => [spec.video, spec.cues].filter((reference) => reference !== undefined),
    async run(spec, context) {
      const held = foley.hold(engineOf(spec));
      try {
        return await runSpec(spec, held, context);
      } finally {
        held.release();
      }
    },
    // Models may be exchanged at any time: a job keeps those that it began with.
    pin(spec) {
      const held = foley.hold(engineOf(spec));
      return { codeVersion: held.version, run: (context) => runSpec(spec, held, context), release: held.release };
    },
  };
}

const engineOf = ({ engine }: FoleySpec): Engine => (engine === FoleyEngine.REGNET ? 'regnet' : 'palette');

async function runSpec(
  spec: FoleySpec,
  held: HeldFoley,
  { signal, store, scratch, progress, outputPrefix }: WorkContext,
): Promise<FoleyResult> {
  checkReference(spec.video, 'spec.video');
  progress('fetch', 0);
  // A folder of its own, so that a name that people chose can't meet one of ours.
  await mkdir(join(scratch, 'in'));
  const inputPath = join(scratch, 'in', fileNameFrom(spec.fileName));
  await fetchObject(store, spec.video, inputPath, signal);
  const cuesPath = join(scratch, 'cues.json');
  if (spec.cues !== undefined) await fetchObject(store, spec.cues, cuesPath, signal);
  progress('fetch', 1);
  const extension = defaultOutputExtension(await probe(inputPath, { signal }));
  const count = Math.max(1, spec.candidates);
  const outputPaths = Array.from({ length: count }, (_, index) => join(scratch, `output-${index + 1}${extension}`));
  const outcome = await held.run({
    inputPath,
    ...(spec.onlyCues ? { candidates: count } : { outputPaths }),
    ...(spec.sound ? { sound: spec.sound } : {}),
    ...(spec.cues ? { cues: { text: await readFile(cuesPath, 'utf8'), name: 'The cue sheet' } } : {}),
    mute: spec.mute,
    quality: spec.quality === FoleyQuality.DRAFT ? 'draft' : 'standard',
    keepOriginal: spec.keepOriginal,
    ...(spec.stillDurationS > 0 ? { stillDurationS: spec.stillDurationS } : {}),
    // 0 is also what a client leaves that says nothing: an edited sheet then keeps its own.
    ...(spec.cues && spec.seed === 0n ? {} : { seed: Number(spec.seed) }),
    scratch,
    signal,
    onProgress: progress,
  });
  progress('store', 0);
  const candidates: FoleyCandidate[] = [];
  for (const [
    index,
    { seed, sheet, sounds, output, loudnessLufs = 0, truePeakDbtp = 0 },
  ] of outcome.candidates.entries()) {
    const key = (name: string): string => `${outputPrefix}/${index + 1}/${name}`;
    const stored = (text: string, name: string, mediaType: string) =>
      storeBytes(store, Buffer.from(text), key(name), mediaType, signal);
    const candidate = FoleyCandidate.fromPartial({
      seed: BigInt(seed),
      ...(sheet && {
        cues: await stored(writeCues(sheet), 'cues.json', 'application/json'),
        cuesVtt: await stored(toWebVtt(sheet), 'cues.vtt', 'text/vtt'),
        hits: sheet.hits.length,
        layers: sheet.layers.length,
      }),
      sounds,
      loudnessLufs,
      truePeakDbtp,
    });
    if (output !== undefined)
      candidate.video = await storeFile(store, output, key(`video${extension}`), mediaTypeOf(extension), signal);
    candidates.push(candidate);
    progress('store', (index + 1) / count);
  }
  const { classes, warnings, durationS, timingTrust, models } = outcome;
  return FoleyResult.fromPartial({
    candidates,
    classes,
    timings: Object.entries(outcome.timings).map(([step, seconds]) => ({ step: step.replace(/_s$/, ''), seconds })),
    warnings,
    durationS,
    models,
    ...(timingTrust === undefined ? {} : { timingTrust }),
  });
}

function checkSpec(spec: FoleySpec, foley: Foley): void {
  checkReference(spec.video, 'spec.video');
  if (spec.sound.length > LONGEST_SOUND)
    throw badInput(`The sound has ${spec.sound.length} letters; the limit is ${LONGEST_SOUND}.`, 'spec.sound');
  if (spec.seed > BigInt(Number.MAX_SAFE_INTEGER - MOST_CANDIDATES))
    throw badInput(`The seed must be at most ${Number.MAX_SAFE_INTEGER - MOST_CANDIDATES}.`, 'spec.seed');
  if (spec.candidates > MOST_CANDIDATES)
    throw badInput(`There can be at most ${MOST_CANDIDATES} candidates, not ${spec.candidates}.`, 'spec.candidates');
  if (!(spec.stillDurationS >= 0 && spec.stillDurationS <= LONGEST_STILL_S))
    throw badInput(`A still image can sound for up to ${LONGEST_STILL_S} s.`, 'spec.still_duration_s');
  if (spec.mute.length > MOST_MUTED || spec.mute.some((word) => word.length > LONGEST_SOUND))
    throw badInput(`At most ${MOST_MUTED} names can be muted, of ${LONGEST_SOUND} letters each.`, 'spec.mute');
  if (engineOf(spec) === 'regnet') {
    checkRegnetSpec(spec);
    foley.versionOf('regnet'); // refused now where there are no models for it
    return;
  }
  // A sound that nobody knows is refused now, not after the video was looked at.
  if (spec.sound) foley.findSound(spec.sound);
  foley.findMuted(spec.mute);
  if (spec.cues === undefined) return;
  checkReference(spec.cues, 'spec.cues');
  if (spec.sound)
    throw badInput('A cue sheet says itself what sounds: leave out either the cues or the sound.', 'spec.sound');
  if (spec.onlyCues)
    throw badInput('A cue sheet is there already: leave out only_cues to render it.', 'spec.only_cues');
  if (spec.cues.sizeBytes > BigInt(MOST_CUE_BYTES))
    throw badInput(`The cue sheet has ${spec.cues.sizeBytes} bytes; the limit is ${MOST_CUE_BYTES}.`, 'spec.cues');
}

/** The net takes a video and a seed; it knows no classes and makes no cue sheet. */
function checkRegnetSpec(spec: FoleySpec): void {
  const refused: [boolean, string, string][] = [
    [spec.sound !== '', 'sound', 'it hears what it sees, and can’t be told'],
    [spec.mute.length > 0, 'mute', 'it knows no classes that could be left out'],
    [spec.cues !== undefined, 'cues', 'a cue sheet is rendered with the palette'],
    [spec.onlyCues, 'only_cues', 'it makes no cue sheet'],
    [spec.stillDurationS > 0, 'still_duration_s', 'it takes videos alone'],
  ];
  for (const [isSet, field, why] of refused)
    if (isSet) throw badInput(`The engine regnet has no use for ${field}: ${why}. Leave it out.`, `spec.${field}`);
}
