// Seconds of work for a second of media that each feature takes through the feature extractor, beside ffmpeg that only
// decodes the same picture or sound.
//   npm run bench -- features-service
// Clips are taken from SOUNDSTAGE_DATA (default: shared/data beside the checkout); absent, it is skipped.
// SOUNDSTAGE_BENCH_CLIPS (default 6) says how many of foley/; two of sync/ are added, which show faces.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  CreateFeatureExtractionRequest,
  Feature,
  FeatureExtractionSpec,
  FeatureExtractorServiceService,
} from '@soundstage/contracts';
import { isSoundFeature } from '@soundstage/core';
import { startTestServices } from '@soundstage/core/testing';
import { createFeatureExtractor } from '@soundstage/feature-extractor';

const LONGEST_S = 12;
const FRAME_RATE = 21.5;
const root = resolve(import.meta.dirname, '..');
const data = process.env.SOUNDSTAGE_DATA ?? join(root, '..', 'shared', 'data');

const paths = [...someBelow('foley', Number(process.env.SOUNDSTAGE_BENCH_CLIPS ?? 6)), ...someBelow('sync', 2)];
if (paths.length === 0) {
  console.log(`skipped: 0 clips in ${data}; set SOUNDSTAGE_DATA to the folder that holds foley/`);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'bench-features-'));
const services = await startTestServices(createLocalAdapters, [createFeatureExtractor], folder, {
  SOUNDSTAGE_LEASE_S: 60,
});
const features = Object.values(Feature).filter((feature) => typeof feature === 'number' && feature > 0);
try {
  const clips = [];
  for (const path of paths) {
    const object = await services.client.upload(readFileSync(path), 'video/mp4');
    clips.push({ path, object, seconds: secondsOf(path) });
  }
  // Once through, so that no model is opened while the clock runs: at another rate, since what was done is not done again.
  for (const feature of features) await extract(clips[0], feature, 5);

  const rows = features.map((feature) => ({ feature, of: [] }));
  for (const clip of clips) {
    const bare = { picture: decode(clip, '0:v:0'), sound: decode(clip, '0:a:0') };
    for (const row of rows) {
      const workS = await extract(clip, row.feature, FRAME_RATE);
      const bareS = isSoundFeature(row.feature) ? bare.sound : bare.picture;
      row.of.push({ clip, share: workS / clip.seconds, ratio: workS / bareS, bare: bareS / clip.seconds });
    }
  }
  report(clips, rows);
} finally {
  await services.drain();
  rmSync(folder, { recursive: true, force: true });
}

/** Clips with sound that are not too long, spread over a folder. */
function someBelow(name, count) {
  const below = join(data, name);
  if (!existsSync(below)) return [];
  const all = readdirSync(below, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(mp4|mpg|mkv)$/.test(file))
    .sort()
    .map((file) => join(below, file));
  const found = [];
  for (let part = 0; part < count; part++) {
    const [from, to] = [part, part + 1].map((n) => Math.floor((n * all.length) / count));
    const fit = all.slice(from, to).find((path) => secondsOf(path) <= LONGEST_S && hasSound(path));
    if (fit) found.push(fit);
  }
  return found;
}

function ffprobe(path, ...args) {
  return execFileSync('ffprobe', ['-v', 'error', ...args, '-of', 'csv=p=0', path], { encoding: 'utf8' }).trim();
}

function secondsOf(path) {
  return Number(ffprobe(path, '-show_entries', 'format=duration'));
}

function hasSound(path) {
  return ffprobe(path, '-select_streams', 'a', '-show_entries', 'stream=index') !== '';
}

/** Seconds that the step `extract` of a job takes: decoding and the models, without copying and storing. */
async function extract(clip, feature, frameRate) {
  const spec = FeatureExtractionSpec.fromPartial({ clip: clip.object, features: [feature], frameRate });
  const request = CreateFeatureExtractionRequest.fromPartial({ spec });
  const { job } = await services.client.call(FeatureExtractorServiceService.createFeatureExtraction, request);
  let last = job;
  for await (const state of services.platform.jobs.watch(job.id)) last = state;
  if (last.result?.$case !== 'featureExtraction') throw new Error(`${clip.path}: ${last.error?.message}`);
  return last.steps.find(({ name }) => name === 'extract').seconds;
}

/** Seconds that ffmpeg takes to decode a stream and throw it away. */
function decode({ path }, stream) {
  const startMs = performance.now();
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-threads', '2', '-i', path, '-map', stream, '-f', 'null', '-']);
  return (performance.now() - startMs) / 1000;
}

function report(clips, rows) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const table = rows.map(({ feature, of }) => {
    const worst = of.reduce((most, one) => (one.share > most.share ? one : most));
    return {
      feature: Feature[feature].toLowerCase(),
      work: mean(of.map(({ share }) => share)),
      bare: mean(of.map(({ bare }) => bare)),
      ratio: mean(of.map(({ ratio }) => ratio)),
      worst: worst.share,
      worstClip: worst.clip.path.slice(data.length + 1),
    };
  });
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ bench: 'features-service', clips: clips.length, frameRate: FRAME_RATE, table }));
    return;
  }
  console.log(
    `${clips.length} clips of 2 to ${LONGEST_S} s; pictures at ${FRAME_RATE} a second; seconds of work for a second of media`,
  );
  console.log('feature          service   bare decode   ratio   worst clip');
  for (const { feature, work, bare, ratio, worst, worstClip } of table) {
    const cells = [
      feature.padEnd(15),
      work.toFixed(3).padStart(9),
      bare.toFixed(3).padStart(13),
      ratio.toFixed(1).padStart(7),
    ];
    console.log(`${cells.join(' ')}   ${worst.toFixed(3)} ${worstClip}`);
  }
}
