// Reads single sounds out of the container files that some packages keep them in.
import { inflateSync, inflateRawSync } from 'node:zlib';

/**
 * A sound as it lies in a container: either an encoded file (`bytes`, for ffmpeg to
 * probe) or bare PCM (`pcm`, mono, −1…1) with its rate and, where the format names
 * one, the loop as [start, end) in samples.
 * @typedef {{bytes: Buffer} | {pcm: Float32Array, sampleRateHz: number, loop?: [number, number]}} Member
 */

/**
 * Reads member `name` of a container.
 * @param {'sf2' | 'rcc' | 'wad' | 'zip'} format
 * @param {Buffer} data the whole container
 * @param {string} name for sf2 the sample's name, for wad the lump's, else the path inside
 * @returns {Member}
 */
export function readMember(format, data, name) {
  if (format === 'sf2') return readSoundFontSample(data, name);
  if (format === 'wad') return readDoomSound(data, name);
  if (format === 'zip') return { bytes: readZipFile(data, name) };
  if (format === 'rcc') return { bytes: readQtResource(data, name) };
  throw new Error(`Unknown container format ${format}`);
}

/** Lists the samples of a SoundFont 2 file (SoundFont Technical Specification 2.04, chapters 5 to 7). */
export function listSoundFontSamples(data) {
  const { shdr } = soundFontChunks(data);
  const samples = [];
  // The last record is the terminal one and names no sample.
  for (let at = shdr.start; at + 46 < shdr.end; at += 46) {
    const rawName = data.subarray(at, at + 20).toString('latin1');
    samples.push({
      name: rawName.split('\0', 1)[0],
      start: data.readUInt32LE(at + 20),
      end: data.readUInt32LE(at + 24),
      loopStart: data.readUInt32LE(at + 28),
      loopEnd: data.readUInt32LE(at + 32),
      sampleRateHz: data.readUInt32LE(at + 36),
    });
  }
  return samples;
}

function readSoundFontSample(data, name) {
  const { smpl } = soundFontChunks(data);
  const found = listSoundFontSamples(data).find((sample) => sample.name === name);
  if (!found) throw new Error(`The sound font has no sample named "${name}"`);
  const pcm = new Float32Array(found.end - found.start);
  for (let i = 0; i < pcm.length; i += 1) {
    pcm[i] = data.readInt16LE(smpl.start + 2 * (found.start + i)) / 32768;
  }
  const loop = [found.loopStart - found.start, found.loopEnd - found.start];
  return { pcm, sampleRateHz: found.sampleRateHz, loop };
}

function soundFontChunks(data) {
  if (data.toString('latin1', 0, 4) !== 'RIFF' || data.toString('latin1', 8, 12) !== 'sfbk') {
    throw new Error('Not a SoundFont 2 file');
  }
  const chunks = {};
  for (const list of riffChunks(data, 12, data.length)) {
    if (list.id !== 'LIST') continue;
    for (const chunk of riffChunks(data, list.start + 4, list.end)) chunks[chunk.id] = chunk;
  }
  return chunks;
}

function* riffChunks(data, from, to) {
  for (let at = from; at + 8 <= to;) {
    const bytes = data.readUInt32LE(at + 4);
    yield { id: data.toString('latin1', at, at + 4), start: at + 8, end: at + 8 + bytes };
    at += 8 + bytes + (bytes & 1);
  }
}

/** Lists the files in a Qt binary resource (Qt's qresource.cpp, format versions 1 to 3). */
export function listQtResource(data) {
  if (data.toString('latin1', 0, 4) !== 'qres') throw new Error('Not a Qt resource file');
  const version = data.readUInt32BE(4);
  const [treeAt, payloadAt, namesAt] = [8, 12, 16].map((at) => data.readUInt32BE(at));
  const nodeBytes = version >= 2 ? 22 : 14;
  const files = [];
  const walk = (node, path) => {
    const at = treeAt + node * nodeBytes;
    const flags = data.readUInt16BE(at + 4);
    if (flags & 2) {
      const [count, first] = [data.readUInt32BE(at + 6), data.readUInt32BE(at + 10)];
      for (let child = first; child < first + count; child += 1) {
        const nameAt = namesAt + data.readUInt32BE(treeAt + child * nodeBytes);
        const name = Buffer.from(data.subarray(nameAt + 6, nameAt + 6 + 2 * data.readUInt16BE(nameAt)));
        walk(child, `${path}/${name.swap16().toString('utf16le')}`);
      }
    } else {
      files.push({ path, flags, at: payloadAt + data.readUInt32BE(at + 10) });
    }
  };
  walk(0, '');
  return files;
}

function readQtResource(data, path) {
  const file = listQtResource(data).find((entry) => entry.path === path);
  if (!file) throw new Error(`The Qt resource has no file ${path}`);
  const bytes = data.subarray(file.at + 4, file.at + 4 + data.readUInt32BE(file.at));
  if (file.flags & 4) throw new Error(`${path} is compressed with zstd, which is not supported`);
  // qCompress puts the length before a zlib stream.
  return file.flags & 1 ? inflateSync(bytes.subarray(4)) : bytes;
}

/** Reads one file out of a zip archive (APPNOTE 4.3), as wheels are. */
export function readZipFile(data, path) {
  let end = data.length - 22;
  while (end >= 0 && data.readUInt32LE(end) !== 0x06054b50) end -= 1;
  let at = data.readUInt32LE(end + 16);
  for (let i = 0; i < data.readUInt16LE(end + 10); i += 1) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((o) => data.readUInt16LE(at + o));
    if (data.toString('utf8', at + 46, at + 46 + nameBytes) === path) {
      const local = data.readUInt32LE(at + 42);
      const from = local + 30 + data.readUInt16LE(local + 26) + data.readUInt16LE(local + 28);
      const packed = data.subarray(from, from + data.readUInt32LE(at + 20));
      return data.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : packed;
    }
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  throw new Error(`The archive has no file ${path}`);
}

// A Doom sound lump: format 3, rate, count, then unsigned bytes with 16 of padding at each end.
function readDoomSound(data, name) {
  const [count, directoryAt] = [data.readUInt32LE(4), data.readUInt32LE(8)];
  for (let i = 0; i < count; i += 1) {
    const entry = directoryAt + 16 * i;
    if (data.toString('latin1', entry + 8, entry + 16).split('\0', 1)[0] !== name) continue;
    const at = data.readUInt32LE(entry);
    const pcm = new Float32Array(data.readUInt32LE(at + 4) - 32);
    for (let k = 0; k < pcm.length; k += 1) pcm[k] = (data[at + 24 + k] - 128) / 128;
    return { pcm, sampleRateHz: data.readUInt16LE(at + 2) };
  }
  throw new Error(`The WAD has no lump named ${name}`);
}
