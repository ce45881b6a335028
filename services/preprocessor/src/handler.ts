import { join } from 'node:path';
import pLimit from 'p-limit';
import { FeatureExtractionSpec, PreprocessingResult, PreprocessingSpec } from '@soundstage/contracts';
import {
  badInput,
  checkPreprocessing,
  checkReference,
  fetchObject,
  storeFile,
  type PreprocessingProfile,
  type Stage,
  type WorkContext,
} from '@soundstage/core';
import type { FaceModel } from '@soundstage/faces';
import type { SyncMeter } from '@soundstage/sync';
import { probeStored } from '@soundstage/media';
import type { PreprocessorConfig } from './config.js';
import { Flawed } from './flaws/flaw.js';
import { makeFreeClip, makeProfileClip, type MadeClip } from './make-clip.js';
import { PROFILES, type Profile } from './profiles.js';

/** Preprocessing as work from the queue: fetch the clip, cut it exactly, look for flaws, store picture and sound. */
export function createPreprocessingStage(
  config: PreprocessorConfig,
  faces: FaceModel,
  meter: Pick<SyncMeter, 'measure' | 'version'>,
  /** The face model's name, version and hash. */
  facesId: string,
  cutsAtATime: number,
): Stage<PreprocessingSpec, 'preprocessing'> {
  const cutting = pLimit(cutsAtATime);
  return {
    kind: 'preprocessing',
    // One more than is cut at a time: it is fetched, or stored, meanwhile.
    concurrency: cutsAtATime + 1,
    // Other models find other faces and offsets: their hashes are part of the work's key.
    codeVersion: `4-${facesId}-${meter.version}`,
    steps: [
      { name: 'fetch', share: 5 },
      { name: 'cut', share: 90 },
      { name: 'store', share: 5 },
    ],
    spec: PreprocessingSpec,
    result: PreprocessingResult,

    check(spec) {
      checkReference(spec.clip, 'spec.clip');
      checkPreprocessing(spec, 'spec');
      checkDuration(spec);
    },

    inputs: (spec) => (spec.clip ? [spec.clip] : []),

    async run(spec, context) {
      const { store, scratch, signal, progress, log } = context;
      checkReference(spec.clip, 'spec.clip');
      const { sha256 } = spec.clip;
      checkDuration(spec); // what another service passed on was not checked here
      progress('fetch', 0);
      const path = join(scratch, `clip-${sha256.slice(0, 12)}`);
      await fetchObject(store, spec.clip, path, signal);
      progress('fetch', 1);

      progress('cut', 0, spec.profile || `${spec.frameRate} frames/s`);
      const limits = { bytes: config.SOUNDSTAGE_CLIP_BYTES };
      const onProgress = (share: number, message?: string) => progress('cut', Math.min(0.99, share), message);
      const look = () => probeStored(store, { path, sha256 }, { limits, signal });
      const clip = { path, spec, look, scratch, limits, faces, meter, signal, onProgress };
      const profile = profileOf(spec);
      try {
        const made = await cutting(() => (profile ? makeProfileClip(clip, profile) : makeFreeClip(clip)));
        progress('cut', 1);
        return await storeClip(made, spec, context);
      } catch (error) {
        if (!(error instanceof Flawed)) throw error;
        log.info({ reason: error.reason, detail: error.message }, 'clip rejected');
        return PreprocessingResult.fromPartial({
          rejected: {
            reason: error.reason,
            detail: error.message,
            ...(error.measure && { measured: error.measure.measured, limit: error.measure.limit }),
          },
        });
      }
    },
  };
}

function profileOf({ profile }: PreprocessingSpec): Profile | undefined {
  return profile === '' ? undefined : PROFILES[profile as PreprocessingProfile];
}

/** @throws BAD_INPUT for a longer cut than the profile knows */
function checkDuration(spec: PreprocessingSpec): void {
  const longestS = profileOf(spec)?.longestS ?? Infinity;
  if (spec.durationS > longestS) {
    throw badInput(
      `spec.duration_s is ${spec.durationS}; the profile ${spec.profile} cuts at most ${longestS} s.`,
      'spec.duration_s',
    );
  }
}

const STORED = {
  h264: { extension: 'mp4', mediaType: 'video/mp4' },
  jpeg: { extension: 'tar', mediaType: 'application/x-tar' },
} as const;

async function storeClip(
  made: MadeClip,
  spec: PreprocessingSpec,
  { store, outputPrefix, signal, progress, submit }: WorkContext,
): Promise<PreprocessingResult> {
  const { plan, soundPath, faceTrackPath } = made;
  progress('store', 0);
  const put = (path: string, name: string, mediaType: string) =>
    storeFile(store, path, `${outputPrefix}/${name}`, mediaType, signal);
  const [audio, faceTrack, ...pictures] = await Promise.all([
    soundPath ? put(soundPath, 'sound.wav', 'audio/wav') : undefined,
    faceTrackPath ? put(faceTrackPath, 'face-track.json', 'application/json') : undefined,
    ...plan.pictures.map(({ form }, n) => {
      const { extension, mediaType } = STORED[form];
      const name = form === 'jpeg' ? 'frames' : 'video';
      return put(made.picturePaths[n]!, `${name}${n > 0 ? `-${n + 1}` : ''}.${extension}`, mediaType);
    }),
  ]);
  progress('store', 1);
  const first = plan.pictures[0]!;
  const video = first.form === 'h264' ? pictures[0] : undefined;
  const nextJobId =
    spec.thenExtract.length > 0
      ? await submit(
          'featureExtraction',
          FeatureExtractionSpec.toJSON({
            // Of frames without a video only the sound is looked at.
            clip: video ?? audio,
            features: spec.thenExtract,
            ...(video && audio && { sound: audio }),
            frameRate: video ? first.frameRate : 0,
          }),
        )
      : '';
  return PreprocessingResult.fromPartial({
    ...(video ? { video } : { frames: pictures[0]! }),
    ...(audio && { audio }),
    ...(faceTrack && { faceTrack }),
    frameCount: first.frames,
    frameRate: first.frameRate,
    sampleCount: BigInt(audio ? plan.sound.samples : 0),
    sampleRateHz: audio ? plan.sound.sampleRateHz : 0,
    views: plan.pictures.slice(1).map(({ frameRate, frames }, n) => ({
      frameRate,
      frameCount: frames,
      video: pictures[n + 1]!,
    })),
    ...(plan.offsetS === undefined ? {} : { soundOffsetS: plan.offsetS }),
    measures: [...made.measures],
    nextJobId,
  });
}
