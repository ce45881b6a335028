// Checks the palette as a stranger would: node services/inference/palette/audit.mjs [FOLDER]
// Prints each fault, then "N passed, N failed"; exits 1 when anything failed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const LICENCES = ['CC0-1.0', 'public-domain', 'MIT', 'BSD-3-Clause'];
const MAX_BYTES = 14e6;
const MAX_STRUCK_S = 2.51;
const CONTINUOUS_S = [2.5, 12.01];
const SAMPLE_RATE_HZ = 48_000;
const GROUPS = ['impact', 'body', 'animal', 'speech', 'nature', 'blast', 'music', 'signal', 'machine', 'ambience'];
const MAX_DC = 0.003;
const FILES_AT_A_TIME = 32;

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2] ?? here);
const models = join(here, '..', '..', '..', 'models');
let passed = 0;
let failed = 0;

const { sounds } = readJson(join(folder, 'palette.json'));
const { classes, neutral } = readJson(join(folder, 'classes.json'));
const licencesText = readFileSync(join(folder, 'LICENCES.md'), 'utf8');

const samples = decodeAll(sounds.filter(({ file }) => existsSync(join(folder, file))));
for (const sound of sounds) auditSound(sound);
auditFolder();
for (const entry of classes) auditClass(entry);
auditLabels('imagenet', join(models, 'classifier', '2', 'labels.json'));
auditLabels('coco', join(models, 'detector', '1', 'labels.json'));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function auditSound(sound) {
  const name = `${sound.class}/${sound.id}`;
  check(LICENCES.includes(sound.licence), `${name} has a licence that lets it ship (${sound.licence})`);
  check(Boolean(sound.author), `${name} names its author`);
  const { package: from, version, path, sha256 } = sound.source ?? {};
  check(Boolean(from && version && path) && /^[0-9a-f]{64}$/.test(sha256 ?? ''), `${name} names its source file`);
  check(licencesText.includes(`| ${name} | ${sound.licence} |`), `${name} stands in LICENCES.md`);
  const file = join(folder, sound.file);
  if (!check(existsSync(file), `${name}: ${sound.file} exists`)) return;
  const bytes = readFileSync(file);
  check(
    createHash('sha256').update(bytes).digest('hex') === sound.sha256,
    `${name} has the hash of its manifest entry`,
  );
  auditSamples(name, sound, samples.get(sound.file));
}

function auditSamples(name, sound, pcm) {
  let peak = 0;
  let clipped = 0;
  let squares = 0;
  let sum = 0;
  for (const value of pcm) {
    peak = Math.max(peak, Math.abs(value));
    squares += value * value;
    sum += value;
    if (Math.abs(value) >= 0.999) clipped += 1;
  }
  const rmsDb = 10 * Math.log10(squares / pcm.length + 1e-12);
  check(peak > 0.05 && rmsDb > -50, `${name} is not silent (RMS ${rmsDb.toFixed(1)} dB)`);
  check(clipped === 0 && peak <= 0.895, `${name} peaks at −1 dBFS or below (${(20 * Math.log10(peak)).toFixed(2)})`);
  check(Math.abs(sum / pcm.length) < MAX_DC, `${name} has no direct current (${(sum / pcm.length).toFixed(4)})`);
  const durationS = pcm.length / sound.channels / SAMPLE_RATE_HZ;
  check(Math.abs(durationS - sound.durationS) < 0.002, `${name} lasts as long as its manifest says`);
  if (sound.kind === 'struck') {
    const attackS = pcm.findIndex((value) => Math.abs(value) >= peak * 0.1) / sound.channels / SAMPLE_RATE_HZ;
    check(attackS <= 0.005, `${name} begins within 5 ms (${(attackS * 1000).toFixed(1)} ms)`);
    check(durationS <= MAX_STRUCK_S, `${name} lasts at most 2.5 s`);
    check(Math.abs(pcm.at(-1)) < 0.01, `${name} has faded at its end`);
  } else {
    check(
      durationS >= CONTINUOUS_S[0] && durationS <= CONTINUOUS_S[1],
      `${name} lasts 2.5 to 12 s (${durationS.toFixed(2)})`,
    );
    check(seamDb(pcm) < 6, `${name} loops without a click (${seamDb(pcm).toFixed(1)} dB)`);
  }
}

// How much larger the step from the last sample to the first is than the largest steps within the sound.
function seamDb(pcm) {
  const steps = Float32Array.from({ length: pcm.length - 1 }, (_, i) => Math.abs(pcm[i + 1] - pcm[i])).sort();
  const large = steps[Math.floor(steps.length * 0.999)];
  return 20 * Math.log10(Math.abs(pcm[0] - pcm.at(-1)) / (large + 1e-9) + 1e-9);
}

function auditFolder() {
  const listed = new Set(sounds.map((sound) => sound.file));
  const present = readdirSync(join(folder, 'sounds'), { recursive: true }).filter((path) => path.endsWith('.flac'));
  for (const path of present) check(listed.has(`sounds/${path}`), `sounds/${path} stands in the manifest`);
  const bytes = present.reduce((sum, path) => sum + readFileSync(join(folder, 'sounds', path)).length, 0);
  check(bytes <= MAX_BYTES, `the sounds take at most 14 MB (${(bytes / 1e6).toFixed(1)})`);
  check(new Set(sounds.map((sound) => sound.id)).size === sounds.length, 'no two sounds share an id');
  check(new Set(sounds.map((sound) => sound.sha256)).size === sounds.length, 'no two sounds are the same bytes');
}

function auditClass(entry) {
  const own = sounds.filter((sound) => sound.class === entry.id);
  const synthesised = entry.kind === 'struck' ? entry.modal !== undefined : entry.bands?.length > 0;
  const enough = entry.kind === 'struck' ? 2 : 1; // no two blows alike; a loop is never begun twice in one place
  check(
    own.length >= enough || (own.length === 0 && synthesised),
    `class ${entry.id} has ${enough} recordings or is synthesised (${own.length})`,
  );
  check(GROUPS.includes(entry.group), `class ${entry.id} is of a group that can be muted (${entry.group})`);
  check(
    own.every((sound) => sound.kind === entry.kind),
    `class ${entry.id} holds only ${entry.kind} sounds`,
  );
  check(Boolean(entry.label) && entry.keywords?.length > 0, `class ${entry.id} has a label and keywords`);
  const isNeutral = Object.values(neutral).includes(entry.id);
  check(
    isNeutral || fallsBack(entry),
    `class ${entry.id} falls back to a class of its kind, and in the end to a neutral one`,
  );
  for (const band of entry.bands ?? []) {
    check(
      band.lowHz > 0 && band.highHz > band.lowHz && band.highHz < 24_000 && band.gainDb <= 0,
      `class ${entry.id} has sound bands`,
    );
  }
}

function fallsBack(entry) {
  let at = entry;
  for (let steps = 0; steps < classes.length; steps += 1) {
    if (at?.id === neutral[entry.kind]) return true;
    at = classes.find((candidate) => candidate.id === at?.fallbackTo);
    if (at?.kind !== entry.kind) return false;
  }
  return false;
}

function auditLabels(key, path) {
  if (!check(existsSync(path), `the ${key} labels are there (${path})`)) return;
  const labels = readJson(path);
  for (const entry of classes) {
    for (const { index, name, weight } of entry[key]) {
      const known = key === 'imagenet' ? labels[index] === name : labels.includes(name);
      check(
        known && weight > 0 && weight <= 1,
        `class ${entry.id}: ${key} label ${index ?? ''} "${name}" is known, with a weight up to 1`,
      );
    }
  }
}

/** The samples of files, by file. Many at a time: to start ffmpeg takes longer than its work. */
function decodeAll(wanted) {
  const samples = new Map();
  const scratch = mkdtempSync(join(tmpdir(), 'palette-audit-'));
  try {
    for (let at = 0; at < wanted.length; at += FILES_AT_A_TIME) {
      const some = wanted.slice(at, at + FILES_AT_A_TIME);
      const raw = (n) => join(scratch, `${n}.f32`);
      execFileSync('ffmpeg', [
        ...['-v', 'error', '-nostdin', '-y'],
        ...some.flatMap(({ file }) => ['-i', join(folder, file)]),
        ...some.flatMap(({ channels }, n) => {
          const form = ['-f', 'f32le', '-ac', String(channels), '-ar', String(SAMPLE_RATE_HZ)];
          return ['-map', `${n}:a`, ...form, raw(n)];
        }),
      ]);
      for (const [n, { file }] of some.entries()) samples.set(file, floats(readFileSync(raw(n))));
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return samples;
}

function floats(raw) {
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
}

function check(ok, sentence) {
  if (ok) passed += 1;
  else {
    failed += 1;
    console.log(`FAILED ${sentence}`);
  }
  return ok;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
