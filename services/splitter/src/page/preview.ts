import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { fetchObject, readJson, SoundstageError, writeJson, type ObjectStore } from '@soundstage/core';
import { decodeAudio, jpegStills, probe, type MediaInfo } from '@soundstage/media';
import type { DatasetClip, StoredFile } from '../dataset-clip.js';

/** What the page shows of a clip. */
export interface Preview {
  stills: { timeS: number; jpegBase64: string }[];
  /** The loudest sample of each column, in hundredths of full scale; empty: no sound. */
  peaks: number[];
  /** Seconds that stills and peaks stand for, as measured; 0: unknown. */
  durationS: number;
  /** What a person should look at, in sentences: why there is no picture, that the sound is silent. */
  remarks: string[];
}

/** Changes whenever the same media would give another preview. */
const VERSION = '2';
const STILLS = 4;
const STILL_SIDE_PIXELS = 176;
const COLUMNS = 200;
const PEAK_RATE_HZ = 8000;
/** Of a longer clip the beginning is shown. */
const LONGEST_S = 600;
const SILENT_PEAK = 10 ** (-60 / 20);

export interface PreviewOptions {
  store: ObjectStore;
  /** A folder for files in passing. */
  scratch: string;
  /** Larger files aren't fetched. */
  mostBytes: number;
  signal: AbortSignal;
}

/**
 * Stills and waveform of a clip: of its outputs where it has some, since those are what a model sees. Media that can't
 * be read give a remark instead. A preview is made once for each content and kept in the store.
 */
export async function previewOf(clip: DatasetClip, options: PreviewOptions): Promise<Preview> {
  const { store } = options;
  const [picture, sound] = [clip.video ?? clip, clip.audio ?? clip];
  const record = `previews/${VERSION}-${picture.sha256}-${sound.sha256}`;
  const known = await readJson<Preview>(store, record);
  if (known) return known.value;
  const preview: Preview = { stills: [], peaks: [], durationS: 0, remarks: [] };
  const same = picture.key === sound.key;
  await withFile(picture, preview, options, async (path, info) => {
    if (info.video) await addStills(preview, path, info, options.signal);
    else preview.remarks.push('It has no picture.');
    if (same) await addPeaks(preview, path, info, options.signal);
  });
  if (!same) await withFile(sound, preview, options, (path, info) => addPeaks(preview, path, info, options.signal));
  await writeJson(store, record, preview);
  return preview;
}

async function withFile(
  file: StoredFile,
  preview: Preview,
  { store, scratch, mostBytes, signal }: PreviewOptions,
  look: (path: string, info: MediaInfo) => Promise<void>,
): Promise<void> {
  if (file.sizeBytes > mostBytes) {
    preview.remarks.push(`It has ${file.sizeBytes} bytes, too many to be shown here.`);
    return;
  }
  const path = join(scratch, `preview-${file.sha256.slice(0, 16)}-${Math.random().toString(36).slice(2)}`);
  const reference = { ...file, sizeBytes: BigInt(file.sizeBytes) };
  try {
    await fetchObject(store, reference, path, signal);
    const info = await probe(path, { signal });
    if (!info.still) preview.durationS = Math.min(info.durationS, LONGEST_S);
    await look(path, info);
  } catch (thrown) {
    const { reason, message } = SoundstageError.from(thrown);
    // What is wrong with the media is worth showing; what is wrong with this machine is tried again.
    if (reason !== 'BAD_INPUT' && reason !== 'DEADLINE_EXCEEDED') throw thrown;
    if (signal.aborted) throw thrown;
    preview.remarks.push(message.replaceAll(/“?preview-[0-9a-f]{16}-[0-9a-z]+”?/g, 'The file'));
  } finally {
    await rm(path, { force: true });
  }
}

async function addStills(preview: Preview, path: string, info: MediaInfo, signal: AbortSignal): Promise<void> {
  const video = info.video!;
  const lengthS = Math.min(video.durationS, LONGEST_S);
  const timesS = info.still
    ? [0]
    : Array.from({ length: STILLS }, (_, i) => video.startS + ((i + 0.5) / STILLS) * lengthS);
  const jpegs = await jpegStills(path, { timesS, sidePixels: STILL_SIDE_PIXELS, info, signal });
  jpegs.forEach((jpeg, i) => {
    if (!jpeg) return;
    const timeS = Math.round(timesS[i]! * 1000) / 1000;
    preview.stills.push({ timeS, jpegBase64: Buffer.from(jpeg).toString('base64') });
  });
}

async function addPeaks(preview: Preview, path: string, info: MediaInfo, signal: AbortSignal): Promise<void> {
  if (!info.audio) {
    preview.remarks.push('It has no sound.');
    return;
  }
  const lengthS = Math.min(info.durationS, LONGEST_S);
  const columns = new Float32Array(COLUMNS);
  let loudest = 0;
  let at = 0;
  const samples = decodeAudio(path, { sampleRateHz: PEAK_RATE_HZ, channels: 1, durationS: lengthS, info, signal });
  for await (const block of samples) {
    for (const sample of block) {
      const column = Math.min(COLUMNS - 1, Math.floor((at++ / (lengthS * PEAK_RATE_HZ)) * COLUMNS));
      const level = Math.abs(sample);
      if (level > columns[column]!) columns[column] = level;
      if (level > loudest) loudest = level;
    }
  }
  preview.peaks = Array.from(columns, (level) => Math.min(100, Math.round(level * 100)));
  if (loudest < SILENT_PEAK) preview.remarks.push('The sound is silent (peak below −60 dBFS).');
}
