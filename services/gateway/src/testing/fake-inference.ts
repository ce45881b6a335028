import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  FoleyCandidate,
  FoleyEngine,
  FoleyResult,
  FoleySpec,
  InferenceServiceService,
  PaletteClassKind,
  type InferenceServiceServer,
  type PaletteClass,
} from '@soundstage/contracts';
import {
  badInput,
  createJobMethod,
  fetchObject,
  storeBytes,
  storeFile,
  type CreateService,
  type Stage,
} from '@soundstage/core';
import { startTestServices } from '@soundstage/core/testing';
import { readCues, toWebVtt, writeCues, type CueSheet } from '@soundstage/cues';
import { fakeSyncStage } from './fake-sync.js';
import { STRIKE_EVERY_S, type TestInference } from './inference.js';
import { addSound, toneOf, wavOf, type Stereo } from './tones.js';
import { runFfmpeg } from './run-ffmpeg.js';

const RATE_HZ = 48_000;
const own = (name: string) => ({ name, licence: 'CC0-1.0' });
const classOf = (id: string, label: string, group: string, sounds: string[], continuous = false): PaletteClass => ({
  id,
  label,
  kind: continuous ? PaletteClassKind.CONTINUOUS : PaletteClassKind.STRUCK,
  group,
  sounds: sounds.map(own),
});
const PALETTE = [
  classOf('wood', 'a knock on wood', 'impact', ['wood-1', 'wood-2']),
  classOf('metal', 'a knock on metal', 'impact', ['metal-1']),
  classOf('drum', 'a drum', 'music', ['drum-1', 'drum-2']),
  classOf('rain', 'rain', 'weather', ['rain-1'], true),
  classOf('room', 'the sound of a room', 'ambience', ['room-1'], true),
];
const PITCH_HZ: Record<string, number> = { wood: 400, metal: 2000, drum: 90, rain: 700, room: 120 };

/**
 * An inference service that looks at nothing: each film gets a hit where the drawn block strikes and rain under it, each
 * image a room. What it answers, stores, refuses and renders has the form of the real one, through the same queue,
 * store and job records; it is ready in a second.
 */
export async function startFakeInference(): Promise<TestInference> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-gateway-'));
  const services = await startTestServices(createLocalAdapters, [createFake], join(folder, 'home'), {
    // It renders in this thread, which tells nobody meanwhile that it is alive.
    SOUNDSTAGE_LEASE_S: 60,
  });
  let stopped: Promise<void> | undefined;
  const kill = () => (stopped ??= services.drain());
  return {
    address: services.address,
    folder,
    kill,
    async remove() {
      await kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

const createFake: CreateService = async (platform, handlers) => {
  const implementation: InferenceServiceServer = {
    createFoley: createJobMethod('CreateFoley', stage, platform, handlers),
    createSync: createJobMethod('CreateSync', fakeSyncStage, platform, handlers),
    listLoadedModels: handlers.unary('ListLoadedModels', async () => ({ models: [] })),
    listSounds: handlers.unary('ListSounds', async () => ({ classes: PALETTE })),
    previewSound: handlers.unary('PreviewSound', async ({ class: id, sound, strength }) => {
      const found = PALETTE.find((each) => each.id === id);
      if (!found || (sound && !found.sounds.some(({ name }) => name === sound)))
        throw badInput(`${id} has no sound "${sound}".`, 'sound');
      const goesOn = found.kind === PaletteClassKind.CONTINUOUS;
      const pcm: Stereo = [new Float32Array(RATE_HZ), new Float32Array(RATE_HZ)];
      addSound(pcm, toneOf(PITCH_HZ[id]!, goesOn ? Infinity : 0.08, RATE_HZ, RATE_HZ), 48, 0.1 + 0.5 * strength, 0);
      return { wav: wavOf(pcm, RATE_HZ) };
    }),
  };
  return {
    name: 'inference',
    grpc: [{ definition: InferenceServiceService, implementation }],
    stages: [stage, fakeSyncStage],
  };
};

const palette = new Map(
  PALETTE.map(({ id, kind, sounds }) => [
    id,
    {
      kind: kind === PaletteClassKind.STRUCK ? ('struck' as const) : ('continuous' as const),
      sounds: sounds.map(({ name }) => name),
    },
  ]),
);

const stage: Stage<FoleySpec, 'foley'> = {
  kind: 'foley',
  codeVersion: 'fake',
  steps: ['fetch', 'look', 'what', 'when', 'sound', 'mix', 'mux', 'store'].map((name) => ({ name, share: 1 })),
  spec: FoleySpec,
  result: FoleyResult,
  check({ sound }) {
    if (sound === 'xyzzy') throw badInput(`Nobody has a sound like "${sound}".`, 'spec.sound');
  },
  inputs: (spec) => [spec.video, spec.cues].filter((reference) => reference !== undefined),
  async run(spec, { store, scratch, signal, outputPrefix, progress }) {
    await mkdir(join(scratch, 'in'));
    const input = join(scratch, 'in', 'source');
    await fetchObject(store, spec.video!, input, signal);
    const isImage = spec.video!.mediaType.startsWith('image/');
    const durationS = isImage ? spec.stillDurationS || 10 : await durationOf(input, spec.fileName);
    let edited: CueSheet | undefined;
    if (spec.cues) {
      await fetchObject(store, spec.cues, join(scratch, 'cues.json'), signal);
      edited = readCues(await readFile(join(scratch, 'cues.json'), 'utf8'), { palette, durationS });
    }
    const candidates: FoleyCandidate[] = [];
    for (let index = 0; index < Math.max(1, spec.candidates); index++) {
      const seed = Number(spec.seed) + index;
      const sheet = edited ?? planOf(spec, { durationS, isImage, seed });
      const path = join(scratch, `${index}.wav`);
      await writeFile(path, wavOf(render(sheet), RATE_HZ));
      const output = join(scratch, `${index}.mp4`);
      const still = ['-vf', 'scale=320:240', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-t', String(durationS)];
      await runFfmpeg([
        ...(isImage ? ['-loop', '1', '-r', '25'] : []),
        ...['-i', input, '-i', path, '-map', '0:v', '-map', '1:a'],
        ...(isImage ? still : ['-c:v', 'copy']),
        ...['-c:a', 'aac', '-movflags', '+faststart', output],
      ]);
      const put = (text: string, name: string, type: string) =>
        storeBytes(store, Buffer.from(text), `${outputPrefix}/${index + 1}/${name}`, type, signal);
      candidates.push(
        FoleyCandidate.fromPartial({
          seed: BigInt(seed),
          ...(spec.engine === FoleyEngine.REGNET
            ? {}
            : {
                cues: await put(writeCues(sheet), 'cues.json', 'application/json'),
                cuesVtt: await put(toWebVtt(sheet), 'cues.vtt', 'text/vtt'),
                hits: sheet.hits.length,
                layers: sheet.layers.length,
                sounds: [own('wood-1'), own('rain-1')],
              }),
          loudnessLufs: -23,
          truePeakDbtp: -3,
          ...(spec.onlyCues
            ? {}
            : { video: await storeFile(store, output, `${outputPrefix}/${index + 1}/video.mp4`, 'video/mp4', signal) }),
        }),
      );
      progress('sound', (index + 1) / Math.max(1, spec.candidates));
    }
    if (spec.engine === FoleyEngine.REGNET)
      return FoleyResult.fromPartial({
        candidates,
        timings: [{ step: 'look_s', seconds: 0.1 }],
        warnings: ['About regnet 3: sixty clips teach when something sounds, hardly what.'],
        durationS,
        models: ['classifier', 'flow_image', 'regnet', 'vocoder'].map((name) => ({ name, version: '3' })),
      });
    return FoleyResult.fromPartial({
      candidates,
      classes: [{ label: 'wood', confidence: 0.7 }],
      timings: [{ step: 'look_s', seconds: 0.1 }],
      warnings: candidates.length > 0 && isImage ? ['Nothing moves in the picture: an ambience.'] : [],
      durationS,
      ...(isImage ? {} : { timingTrust: 0.6 }),
    });
  },
};

function planOf(
  spec: FoleySpec,
  { durationS, isImage, seed }: { durationS: number; isImage: boolean; seed: number },
): CueSheet {
  const common = { pan: 0, confidence: 0.8, muted: false };
  const count = isImage ? 0 : Math.floor((durationS - 0.2) / STRIKE_EVERY_S) + 1;
  const bed = isImage ? 'room' : 'rain';
  return {
    format: 'soundstage-cues',
    version: 1,
    video: { name: spec.fileName, durationS },
    scene: isImage ? 'ambience' : 'mixed',
    classes: [{ label: 'wood', confidence: 0.7 }],
    timingTrust: isImage ? null : 0.6,
    seed,
    hits: Array.from({ length: count }, (_, i) => ({
      ...common,
      id: `h${i + 1}`,
      timeS: 0.2 + i * STRIKE_EVERY_S,
      class: i % 3 === 2 ? 'metal' : 'wood',
      strength: 0.9 - 0.1 * ((i + seed) % 4),
    })),
    layers: [
      { ...common, id: 'l1', class: bed, startS: 0, endS: durationS, gainDb: -6, envelope: [[0, 0.2], [durationS / 2, 0.9], [durationS, 0.4]] }, // prettier-ignore
    ],
    notes: isImage ? ['Nothing moves in the picture: an ambience.'] : [],
  };
}

function render({ video, hits, layers }: CueSheet): Stereo {
  const frames = Math.round(video.durationS * RATE_HZ);
  const pcm: Stereo = [new Float32Array(frames), new Float32Array(frames)];
  for (const { timeS, class: id, strength, pan, muted } of hits)
    if (!muted)
      addSound(pcm, toneOf(PITCH_HZ[id]!, 0.08, RATE_HZ / 2, RATE_HZ), timeS * RATE_HZ, 0.1 + 0.5 * strength, pan);
  for (const { class: id, pan, muted } of layers)
    if (!muted) addSound(pcm, toneOf(PITCH_HZ[id]!, Infinity, frames, RATE_HZ), 0, 0.02, pan);
  return pcm;
}

async function durationOf(path: string, name: string): Promise<number> {
  const told = await runFfmpeg(['-show_entries', 'format=duration', '-of', 'csv=p=0', path], 'ffprobe').catch(() => '');
  if (Number(told) > 0) return Number(told);
  throw badInput(`"${name}" is no video that can be read.`, 'video');
}
