// Measures what one clip takes in each stage, and writes measured.json, from which `node bench/run.mjs at-scale` computes:
//   node bench/at-scale/measure.mjs [--clips 4]
// Real services, each a process of its own, on the local queue and a server that stands in for Cloud Storage, whose
// requests and bytes are counted on the way. Processor time is that of the service and of all programs that it started,
// so it holds on a busy machine, too; wall-clock time doesn't, and isn't taken.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gcsServer, startFaultProxy, startGcsServer } from '@soundstage/adapters-gcp/testing';
import {
  CollectionSpec,
  CollectorServiceService,
  CreateCollectionRequest,
  CreateFeatureExtractionRequest,
  CreateFoleyRequest,
  CreatePreprocessingRequest,
  Feature,
  FeatureExtractionSpec,
  FeatureExtractorServiceService,
  FoleySpec,
  InferenceServiceService,
  PreprocessingSpec,
  PreprocessorServiceService,
} from '@soundstage/contracts';
import { createTestClient, startServiceProcess } from '@soundstage/core/testing';

const root = resolve(import.meta.dirname, '../..');
const data = join(process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data'), 'foley');
const clipsWanted = Number(process.argv[process.argv.indexOf('--clips') + 1] || 4) || 4;
/** What RegNet is trained on. */
const FEATURES = [Feature.RGB, Feature.FLOW_RGB, Feature.MEL_22K];

if (!gcsServer) throw new Error('The server that stands in for Cloud Storage is not there: run ./soundstage setup.');
const folder = mkdtempSync(join(tmpdir(), 'at-scale-'));
const server = await startGcsServer();
const proxy = await startFaultProxy(server.url);
const requests = { writes: 0, reads: 0, bytesIn: 0 };
proxy.plan = (request) => {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  requests[reads ? 'reads' : 'writes']++;
  requests.bytesIn += Number(request.headers['content-length'] ?? 0);
  return undefined;
};
const processes = {};
try {
  for (const service of ['collector', 'preprocessor', 'feature-extractor', 'inference']) {
    processes[service] = await startServiceProcess(join(root, 'services', service, 'dist', 'main.js'), {
      SOUNDSTAGE_HOME: folder,
      SOUNDSTAGE_STORE: 'gcs',
      SOUNDSTAGE_BUCKET: server.bucket,
      STORAGE_EMULATOR_HOST: proxy.url,
      SOUNDSTAGE_LEASE_S: '60',
    });
  }
  const paths = makeClips();
  const stages = { collect: [], preprocess: [], extract: [], foley: [] };
  // Once through, so that nothing is opened while it counts.
  await through(paths[0], undefined);
  for (const path of paths.slice(1)) await through(path, stages);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const figures = Object.fromEntries(
    Object.entries(stages).map(([stage, of]) => [
      stage,
      Object.fromEntries(Object.keys(of[0]).map((key) => [key, Number(mean(of.map((one) => one[key])).toFixed(3))])),
    ]),
  );
  const measured = {
    command: `node bench/at-scale/measure.mjs --clips ${paths.length - 1}`,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores, ${cpus()[0].model.trim()}`,
    clips: `${paths.length - 1} of 10 s, 1280×720, 30 frames/s, H.264 with AAC${existsSync(data) ? ', made of real clips' : ', made of test pictures'}`,
    units: {
      ownS: 'seconds of one core in the service itself: nets, sound, hashes',
      programsS: 'seconds of one core in ffmpeg and ffprobe',
      writes: 'requests',
      reads: 'requests',
      bytesIn: 'bytes sent to the store',
    },
    stages: figures,
    training: training(),
  };
  writeFileSync(join(import.meta.dirname, 'measured.json'), `${JSON.stringify(measured, undefined, 2)}\n`);
  console.log(JSON.stringify(measured, undefined, 2));
} finally {
  await Promise.all(Object.values(processes).map((process) => process.stop('SIGKILL')));
  await proxy.close();
  await server.kill();
  rmSync(folder, { recursive: true, force: true });
}

/** Processor time of a training step for one clip, by the trainer's own nets. */
function training() {
  const script = 'bench/at-scale/measure_training.py';
  const printed = execFileSync(join(root, '.cache', 'venv', 'bin', 'python'), [script], {
    cwd: root,
    env: { ...process.env, PYTHONPATH: 'services/trainer' },
    encoding: 'utf8',
  });
  return {
    command: `PYTHONPATH=services/trainer .cache/venv/bin/python ${script}`,
    unit: 'seconds of one core for a clip of 10 s, each time that it is seen',
    cpuS: JSON.parse(printed),
  };
}

/** Clips of one size and length, one more than is counted. */
function makeClips() {
  mkdirSync(join(folder, 'made'));
  const real = existsSync(data)
    ? readdirSync(data, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.mp4'))
        .sort()
        .map((name) => join(data, name))
    : [];
  const step = Math.max(1, Math.floor(real.length / (clipsWanted + 1)));
  return Array.from({ length: clipsWanted + 1 }, (_, n) => {
    const made = join(folder, 'made', `${n}.mp4`);
    const from = real[n * step]
      ? ['-stream_loop', '-1', '-i', real[n * step]]
      : ['-f', 'lavfi', '-i', `testsrc2=s=1280x720:r=30,hue=h=${n * 50}`];
    execFileSync('ffmpeg', [
      ...['-v', 'error', '-nostdin', '-y', ...from, '-f', 'lavfi', '-i', `anoisesrc=c=pink:r=44100:a=0.2:seed=${n}`],
      ...['-map', '0:v:0', '-map', '1:a:0', '-t', '10', '-r', '30', '-vf', 'scale=1280:720,setsar=1'],
      ...['-c:v', 'libx264', '-preset', 'fast', '-crf', '23', '-pix_fmt', 'yuv420p', '-c:a', 'aac', made],
    ]);
    return made;
  });
}

/** One clip through all stages; `into` undefined counts nothing. */
async function through(path, into) {
  const upload = await withClient('collector', (client) => client.upload(readFileSync(path), 'video/mp4'));
  const collected = await counted('collect', into, 'collector', 'collection', (client) =>
    client.call(
      CollectorServiceService.createCollection,
      CreateCollectionRequest.fromPartial({
        spec: CollectionSpec.fromPartial({ source: { $case: 'upload', value: upload } }),
      }),
    ),
  );
  const cut = await counted('preprocess', into, 'preprocessor', 'preprocessing', (client) =>
    client.call(
      PreprocessorServiceService.createPreprocessing,
      CreatePreprocessingRequest.fromPartial({
        spec: PreprocessingSpec.fromPartial({
          clip: collected.clip,
          ...{ durationS: 10, frameRate: 21.5, width: 340, height: 256, sampleRateHz: 22_050 },
        }),
      }),
    ),
  );
  await counted('extract', into, 'feature-extractor', 'featureExtraction', (client) =>
    client.call(
      FeatureExtractorServiceService.createFeatureExtraction,
      CreateFeatureExtractionRequest.fromPartial({
        spec: FeatureExtractionSpec.fromPartial({ clip: cut.video, sound: cut.audio, features: FEATURES }),
      }),
    ),
  );
  const silent = `${path}.silent.mp4`;
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', '-i', path, '-an', '-c:v', 'copy', silent]);
  const video = await withClient('inference', (client) => client.upload(readFileSync(silent), 'video/mp4'));
  await counted('foley', into, 'inference', 'foley', (client) =>
    client.call(
      InferenceServiceService.createFoley,
      CreateFoleyRequest.fromPartial({ spec: FoleySpec.fromPartial({ video }) }),
    ),
  );
}

async function counted(stage, into, service, kind, create) {
  const before = { ...requests, ...cpuSeconds(processes[service].pid) };
  const result = await withClient(service, async (client) => {
    const { job } = await create(client);
    // Asking how it stands costs requests, too: so it is asked seldom.
    for (;;) {
      await new Promise((done) => setTimeout(done, 5000));
      const polledAt = { ...requests };
      const now = await client.getJob(job.id);
      for (const key of Object.keys(requests)) requests[key] = polledAt[key];
      if (now.result?.$case === kind) return now.result.value;
      if (now.error && now.state === 4) throw new Error(`${stage}: ${now.error.message}`);
    }
  });
  const after = cpuSeconds(processes[service].pid);
  into?.[stage].push({
    ownS: after.ownS - before.ownS,
    programsS: after.programsS - before.programsS,
    writes: requests.writes - before.writes,
    reads: requests.reads - before.reads,
    bytesIn: requests.bytesIn - before.bytesIn,
  });
  return result;
}

async function withClient(service, work) {
  const client = createTestClient(processes[service].address);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** User and system time of a process, and of all its children that have ended. Source: proc(5), fields 14 to 17. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map((ticks) => Number(ticks) / 100);
  return { ownS: user + system, programsS: childUser + childSystem };
}
