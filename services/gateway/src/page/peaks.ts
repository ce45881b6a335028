/** As fine as a timeline can be zoomed and still be drawn from peaks: 5 ms of a short film. */
const COLUMNS = 24_000;
const COLUMNS_PER_S = 200;
const RATE_HZ = 48_000;
/** Decoding takes the whole file into memory; beyond this the timeline goes without its waveform. */
const LIMIT_BYTES = 150e6;

/** Films that were looked at lately; a person goes back and forth between candidates. */
const known = new Map<string, Promise<Float32Array[]>>();
const MOST_KNOWN = 12;

/** As readPeaks, once for each address. */
export function peaksOnce(url: string, sizeBytes: number): Promise<Float32Array[]> {
  const begun = known.get(url) ?? readPeaks(url, sizeBytes);
  known.set(url, begun);
  begun.catch(() => known.delete(url));
  for (const oldest of known.keys()) {
    if (known.size <= MOST_KNOWN) break;
    known.delete(oldest);
  }
  return begun;
}

/**
 * The loudest sample of each column of a sound, for each of at most two channels.
 *
 * @throws Error with a sentence, where the sound can't be shown
 */
async function readPeaks(url: string, sizeBytes: number): Promise<Float32Array[]> {
  if (sizeBytes > LIMIT_BYTES) throw new Error('The video is too large to draw its waveform here.');
  const response = await fetch(url);
  if (!response.ok) throw new Error('The waveform can’t be loaded.');
  const encoded = await response.arrayBuffer();
  // An offline context decodes without the permission to play that a live one asks for.
  const sound = await new OfflineAudioContext(2, 1, RATE_HZ).decodeAudioData(encoded).catch(() => {
    throw new Error('Your browser can’t draw the waveform of this format.');
  });
  return Array.from({ length: Math.min(sound.numberOfChannels, 2) }, (_, channel) =>
    peaksOf(sound.getChannelData(channel)),
  );
}

function peaksOf(samples: Float32Array): Float32Array {
  const columns = Math.min(
    Math.max(2400, Math.min(COLUMNS, (samples.length / RATE_HZ) * COLUMNS_PER_S)) | 0,
    samples.length,
  );
  const peaks = new Float32Array(columns);
  for (let column = 0; column < columns; column++) {
    const end = Math.floor(((column + 1) * samples.length) / columns);
    let peak = 0;
    for (let i = Math.floor((column * samples.length) / columns); i < end; i++)
      peak = Math.max(peak, Math.abs(samples[i]!));
    peaks[column] = peak;
  }
  return peaks;
}
