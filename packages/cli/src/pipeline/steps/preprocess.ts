import {
  JobState,
  PreprocessingSpec,
  PreprocessorServiceService,
  RejectedClip,
  SplitClip,
  type PreprocessingResult,
} from '@soundstage/contracts';
import { SoundstageError } from '@soundstage/core';
import { ask, isRefusal } from '../../connect/ask.js';
import { each } from '../../connect/each.js';
import { clipsOfLines } from '../../dataset/create.js';
import type { PreprocessStep } from '../recipe.js';
import type { Refused, Step, StepOutcome, StepTools } from '../step.js';
import type { Collected } from './collect.js';

/** The clips of a dataset to be, and those that don't come into it; protobuf's JSON form. */
export interface Prepared {
  profile: string;
  clips: unknown[];
  rejected: unknown[];
}

/** A part of a clip. */
interface Cut {
  clip: SplitClip;
  /** The clip's name in the run, with the start where it isn't the clip's own. */
  id: string;
  startS: number;
}

/** What is left of a clip behind the last whole cut is worth one of its own from this length on. */
const SHORTEST_REST_S = 2;

/** Cuts the clips by the preprocessor; without such a step they go on as they were collected. */
export function preprocessStep(step: PreprocessStep | undefined, collected: Collected): Step<Prepared> {
  const { clips, rejected } = clipsOfLines(collected.lines);
  const names = new Map(collected.lines.map(({ clip, source }) => [clip?.sha256 ?? '', source]));
  const cuts =
    step === undefined ? [] : clips.flatMap((clip) => cutsOf(clip, names.get(clip.clip!.sha256) ?? '', step));
  return {
    name: 'preprocess',
    title: `preprocess ${cuts.length} cuts${step ? by(step) : ''}`,
    idle: step === undefined,
    inputs: { step, lines: collected.lines },
    work: (tools) => (step === undefined ? asTheyAre(clips, rejected) : cutAll(step, cuts, rejected, tools)),
  };
}

const by = ({ profile }: PreprocessStep) => (profile === undefined ? '' : ` by the profile ${profile}`);

async function asTheyAre(
  clips: readonly SplitClip[],
  rejected: readonly RejectedClip[],
): Promise<StepOutcome<Prepared>> {
  const value = {
    profile: '',
    clips: clips.map((clip) => SplitClip.toJSON(clip)),
    rejected: rejected.map((clip) => RejectedClip.toJSON(clip)),
  };
  return { value, done: clips.length, cached: 0, refused: [] };
}

function cutsOf(clip: SplitClip, name: string, { cuts, start_s: firstS }: PreprocessStep): Cut[] {
  if (cuts === 'one') return [{ clip, id: name, startS: firstS }];
  const made: Cut[] = [];
  for (let startS = firstS; startS === firstS || startS + SHORTEST_REST_S <= clip.durationS; startS += cuts.every_s) {
    made.push({ clip, id: startS === 0 ? name : `${name} from ${startS} s`, startS });
  }
  return made;
}

async function cutAll(
  step: PreprocessStep,
  cuts: readonly Cut[],
  rejectedBefore: readonly RejectedClip[],
  tools: StepTools,
): Promise<StepOutcome<Prepared>> {
  const { inFlight, signal, progress } = tools;
  const made: (SplitClip | undefined)[] = cuts.map(() => undefined);
  const refused: (Refused | undefined)[] = cuts.map(() => undefined);
  const count = { done: 0, cached: 0, refused: 0 };
  const tell = () => progress({ done: count.done, total: cuts.length, refused: count.refused });
  tell();
  await each(cuts, { inFlight, signal }, async (cut, n) => {
    const { before, ...ending } = await makeCut(step, cut, tools);
    made[n] = ending.clip;
    refused[n] = ending.refused;
    count.done++;
    if (before) count.cached++;
    if (ending.refused) count.refused++;
    tell();
  });
  const clips = made.filter((clip) => clip !== undefined);
  const all = refused.filter((clip) => clip !== undefined);
  if (clips.length === 0) {
    const first = all[0] ? ` (${all[0].id}: ${all[0].message})` : '';
    throw new SoundstageError('BAD_INPUT', `No clip is left${first}: choose another profile, or other clips.`);
  }
  const value = {
    profile: step.profile ?? '',
    clips: clips.map((clip) => SplitClip.toJSON(clip)),
    rejected: [...rejectedBefore, ...all].map((clip) => RejectedClip.toJSON(RejectedClip.fromPartial(clip))),
  };
  return { value, done: clips.length, cached: count.cached, refused: all };
}

type CutEnding = { before: boolean; clip?: SplitClip; refused?: Refused };

async function makeCut(step: PreprocessStep, { clip, id, startS }: Cut, tools: StepTools): Promise<CutEnding> {
  const connection = await tools.connection();
  const spec = PreprocessingSpec.fromPartial({
    clip: clip.clip!,
    startS,
    durationS: step.duration_s || (step.cuts !== 'one' ? step.cuts.every_s : 0),
    frameRate: step.frame_rate ?? 0,
    width: step.width ?? 0,
    height: step.height ?? 0,
    sampleRateHz: step.sample_rate_hz ?? 0,
    profile: step.profile ?? '',
    seed: BigInt(step.seed),
  });
  const { job, before } = await ask(
    connection,
    {
      kind: 'preprocessing',
      spec: PreprocessingSpec.toJSON(spec),
      create: async (requestId) =>
        (await connection.call(PreprocessorServiceService.createPreprocessing, { requestId, spec }, tools.signal)).job,
    },
    tools,
  );
  const refuse = (reason: string, message: string) => ({
    before,
    refused: { id, sourceId: clip.sourceId, label: clip.label, reason, message },
  });
  if (isRefusal(job)) {
    return refuse(job.error?.reason === 'BAD_INPUT' ? 'undecodable' : 'failed', job.error?.message ?? '');
  }
  if (job.state !== JobState.SUCCEEDED || job.result?.$case !== 'preprocessing') {
    throw new SoundstageError('UNAVAILABLE', `${id} could not be cut now: ${job.error?.message ?? 'it was cancelled'}`);
  }
  const result = job.result.value;
  if (result.rejected) return refuse(result.rejected.reason, result.rejected.detail);
  return { before, clip: SplitClip.fromPartial({ ...clip, ...outputsOf(result) }) };
}

function outputsOf({ video, audio, frames, frameCount, frameRate }: PreprocessingResult): Partial<SplitClip> {
  return {
    ...(video && { video }),
    ...(audio && { audio }),
    ...(frames && { frames, frameCount }),
    ...(frameRate > 0 && { durationS: frameCount / frameRate }),
  };
}
