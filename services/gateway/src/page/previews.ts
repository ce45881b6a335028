/** Sounds that are kept; a second of stereo takes 384 kB. */
const MOST_KEPT = 150;
const AT_ONCE = 4;

export interface Previews {
  /** The sound, if it is here; else it is loaded for the next time. */
  get(url: string): AudioBuffer | undefined;
  load(url: string): Promise<AudioBuffer>;
}

/** Loads and decodes sounds once each, a few at a time. */
export function createPreviews(context: BaseAudioContext, onProblem: (message: string) => void): Previews {
  const ready = new Map<string, AudioBuffer>();
  const loading = new Map<string, Promise<AudioBuffer>>();
  const failed = new Set<string>();
  const waiting: (() => void)[] = [];
  let busy = 0;

  async function fetchSound(url: string): Promise<AudioBuffer> {
    if (busy >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    busy++;
    try {
      const response = await fetch(url);
      if (!response.ok) {
        const problem = (await response.json().catch(() => undefined)) as { detail?: string } | undefined;
        throw new Error(problem?.detail ?? 'This sound can’t be loaded: try again.');
      }
      return await context.decodeAudioData(await response.arrayBuffer());
    } finally {
      busy--;
      waiting.shift()?.();
    }
  }

  function load(url: string): Promise<AudioBuffer> {
    const known = ready.get(url);
    if (known) {
      // The one used last is dropped last.
      ready.delete(url);
      ready.set(url, known);
      return Promise.resolve(known);
    }
    const begun = loading.get(url) ?? fetchSound(url);
    if (loading.has(url)) return begun;
    loading.set(url, begun);
    begun.then(
      (buffer) => {
        ready.set(url, buffer);
        failed.delete(url);
        for (const oldest of ready.keys()) {
          if (ready.size <= MOST_KEPT) break;
          ready.delete(oldest);
        }
      },
      (error: Error) => {
        failed.add(url);
        onProblem(error.message);
      },
    ).finally(() => loading.delete(url)); // prettier-ignore
    return begun;
  }

  return {
    get(url) {
      const known = ready.get(url);
      if (!known && !failed.has(url) && !loading.has(url)) load(url).catch(() => undefined);
      return known;
    },
    load,
  };
}
