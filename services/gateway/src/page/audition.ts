import type { HitCue, LayerCue } from '@soundstage/cues';
import { firstFrom } from '../editing/lanes.js';
import { ATTACK_S, gainLine, hitPreview, layerPreview, type PreviewWish } from '../editing/preview-plan.js';
import { createPreviews } from './previews.js';

/** What is to be heard. */
export interface AuditionPlan {
  hits: readonly HitCue[];
  layers: readonly LayerCue[];
  seed: number;
}

export interface Audition {
  /** Takes effect at once, also while it plays. */
  setPlan(plan: AuditionPlan): void;
  /** Follows this player's clock. Without one nothing but single sounds is heard. */
  follow(video: HTMLVideoElement | undefined): void;
  /** One hit, or the first seconds of a layer. @throws ApiError-like Error where it can't be loaded */
  playOnce(cue: HitCue | LayerCue, seed: number): Promise<void>;
  /** The loudest sample of a cue's preview, at the gain that it is played with. @throws Error as playOnce */
  loudestOf(cue: HitCue | LayerCue, seed: number): Promise<number>;
  /** What everything is multiplied by, to be as loud as what was rendered. */
  setLevel(gain: number): void;
  /** Sources that were started along the film, single sounds, and the loudest sample so far: what really sounded. */
  figures(): { started: number; single: number; peak: number };
  close(): void;
}

const TICK_MS = 50;
const LOOKAHEAD_S = 0.4;
/** Previews are loaded so long before they are needed. */
const PREFETCH_S = 8;
/** A hit that is late by more is left out. */
const LATE_S = 0.03;
const FADE_S = 0.02;
const LAYER_AHEAD_S = 3;
const LAYER_ONCE_S = 2;

interface RunningLayer {
  layer: LayerCue;
  url: string;
  source: AudioBufferSourceNode;
  gain: GainNode;
  panner: StereoPannerNode;
  /** Film time up to which its gain is laid out. */
  laidOutS: number;
}

/**
 * Plays a cue sheet along a film without rendering it: each hit and layer from its preview, set against the film's
 * clock a little ahead, by the browser's own audio graph.
 *
 * @param onProblem told once for each sound that can't be loaded
 */
export function createAudition(onProblem: (message: string) => void): Audition {
  const context = new AudioContext({ latencyHint: 'interactive' });
  const out = context.createGain();
  const limiter = new DynamicsCompressorNode(context, {
    threshold: -3,
    knee: 0,
    ratio: 20,
    attack: 0.002,
    release: 0.1,
  });
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  out.connect(limiter).connect(analyser).connect(context.destination);
  const previews = createPreviews(context, onProblem);
  const samples = new Float32Array(analyser.fftSize);

  let plan: AuditionPlan = { hits: [], layers: [], seed: 0 };
  let video: HTMLVideoElement | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  const hits = new Map<string, { source: AudioBufferSourceNode; when: number }>();
  const layers = new Map<string, RunningLayer>();
  const counted = { started: 0, single: 0, peak: 0 };

  /** When a moment of the film is heard, on the context's clock. What leaves the loudspeaker is late by its latency. */
  const clockOf = (timeS: number) =>
    context.currentTime + (timeS - video!.currentTime) / (video!.playbackRate || 1) - (context.outputLatency || 0);

  function connected(pan: number, level: number): { gain: GainNode; panner: StereoPannerNode } {
    const gain = new GainNode(context, { gain: level });
    const panner = new StereoPannerNode(context, { pan });
    gain.connect(panner).connect(out);
    return { gain, panner };
  }

  function start(buffer: AudioBuffer, { pan, level, when }: { pan: number; level: number; when: number }) {
    const { gain, panner } = connected(pan, level);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(gain);
    // Late by less than LATE_S: what is missing of its start is skipped.
    source.start(Math.max(when, context.currentTime), Math.max(0, context.currentTime - when));
    source.onended = () => panner.disconnect();
    return source;
  }

  function tick(): void {
    analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) counted.peak = Math.max(counted.peak, Math.abs(sample));
    if (!video) return;
    const at = video.currentTime;
    const playing = !video.paused && !video.seeking && video.readyState >= 3;
    const from = firstFrom(plan.hits, at - LATE_S);
    for (let i = from; i < plan.hits.length && plan.hits[i]!.timeS < at + PREFETCH_S; i++) {
      const hit = plan.hits[i]!;
      const wish = hitPreview(hit, plan.seed);
      // Asked for while the film stands, it is here when the film plays.
      const buffer = previews.get(wish.url);
      if (!playing || !buffer || hit.timeS > at + LOOKAHEAD_S || hits.has(hit.id)) continue;
      const when = clockOf(hit.timeS) - ATTACK_S;
      hits.set(hit.id, { source: start(buffer, { pan: hit.pan, level: wish.gain, when }), when });
      counted.started++;
    }
    for (const [id, { when }] of hits) if (when < context.currentTime - 1) hits.delete(id);
    for (const layer of plan.layers) {
      if (playing) playLayer(layer, at);
      else previews.get(layerPreview(layer, plan.seed).url);
    }
    if (!playing) return;
    for (const [id, { layer }] of layers) if (layer.endS < at) stopLayer(id);
  }

  function playLayer(layer: LayerCue, at: number): void {
    if (layer.endS <= at || layer.startS > at + LOOKAHEAD_S) return;
    const wish = layerPreview(layer, plan.seed);
    const buffer = previews.get(wish.url);
    if (!buffer) return;
    const running = layers.get(layer.id);
    if (running?.layer === layer) {
      if (running.laidOutS < Math.min(layer.endS, at + LAYER_AHEAD_S / 2)) layOut(running, wish, running.laidOutS, at);
      return;
    }
    if (running?.url === wish.url) {
      // Changed, but the same sound: it goes on without a gap.
      running.layer = layer;
      running.panner.pan.setTargetAtTime(layer.pan, context.currentTime, FADE_S);
      layOut(running, wish, at, at);
      return;
    }
    if (running) stopLayer(layer.id);
    const fromS = Math.max(at, layer.startS);
    const { gain, panner } = connected(layer.pan, 0);
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    source.connect(gain);
    source.onended = () => panner.disconnect();
    source.start(Math.max(clockOf(fromS), context.currentTime), (fromS - layer.startS) % buffer.duration);
    counted.started++;
    const started: RunningLayer = { layer, url: wish.url, source, gain, panner, laidOutS: fromS };
    layers.set(layer.id, started);
    layOut(started, wish, fromS, at);
  }

  /** Lays out the gain from a moment of the film on, for some seconds. */
  function layOut(running: RunningLayer, wish: PreviewWish, fromS: number, at: number): void {
    const { gain } = running.gain;
    const { layer } = running;
    const line = gainLine(layer, fromS, at + LAYER_AHEAD_S);
    const startAt = Math.max(clockOf(fromS), context.currentTime);
    if (running.laidOutS === fromS && fromS > at) gain.linearRampToValueAtTime(line.level * wish.gain, startAt);
    else {
      gain.cancelScheduledValues(context.currentTime);
      gain.setValueAtTime(gain.value, context.currentTime);
      gain.linearRampToValueAtTime(line.level * wish.gain, startAt + FADE_S);
    }
    for (const [timeS, level] of line.points) {
      const when = clockOf(timeS);
      if (when > startAt + FADE_S) gain.linearRampToValueAtTime(level * wish.gain, when);
    }
    running.laidOutS = line.points.at(-1)![0];
  }

  function stopLayer(id: string): void {
    const running = layers.get(id);
    if (!running) return;
    layers.delete(id);
    running.gain.gain.cancelScheduledValues(context.currentTime);
    running.gain.gain.setTargetAtTime(0, context.currentTime, FADE_S);
    running.source.stop(context.currentTime + FADE_S * 6);
  }

  /** What hasn't begun to sound is taken back; what rings, rings out. */
  function takeBack(): void {
    for (const [id, { source, when }] of hits) {
      if (when <= context.currentTime) continue;
      source.stop();
      hits.delete(id);
    }
  }

  function reset(): void {
    takeBack();
    hits.clear();
    for (const id of [...layers.keys()]) stopLayer(id);
  }

  const wake = () => {
    reset();
    void context.resume().then(tick);
  };
  const events: [string, () => void][] = [
    ['playing', wake],
    ['pause', reset],
    ['seeking', reset],
    ['waiting', reset],
    ['ratechange', reset],
  ];

  function follow(next: HTMLVideoElement | undefined): void {
    if (next === video) return;
    for (const [name, handle] of events) video?.removeEventListener(name, handle);
    clearInterval(timer);
    reset();
    video = next;
    for (const [name, handle] of events) video?.addEventListener(name, handle);
    timer = setInterval(tick, TICK_MS);
    if (video && !video.paused) wake();
  }

  return {
    setPlan(next) {
      plan = next;
      takeBack();
      const heard = new Set(plan.layers.map(({ id }) => id));
      for (const id of [...layers.keys()]) if (!heard.has(id)) stopLayer(id);
      tick();
    },
    follow,
    async playOnce(cue, seed) {
      await context.resume();
      const isHit = 'timeS' in cue;
      const wish = isHit ? hitPreview(cue, seed) : layerPreview(cue, seed);
      const buffer = await previews.load(wish.url);
      const source = start(buffer, { pan: cue.pan, level: wish.gain, when: context.currentTime });
      if (!isHit) source.stop(context.currentTime + LAYER_ONCE_S);
      counted.single++;
      timer ??= setInterval(tick, TICK_MS);
    },
    async loudestOf(cue, seed) {
      const wish = 'timeS' in cue ? hitPreview(cue, seed) : layerPreview(cue, seed);
      const buffer = await previews.load(wish.url);
      return wish.gain * loudestSample(buffer);
    },
    setLevel: (gain) => out.gain.setTargetAtTime(gain, context.currentTime, FADE_S),
    figures: () => ({ ...counted }),
    close() {
      follow(undefined);
      clearInterval(timer);
      void context.close();
    },
  };
}

function loudestSample(buffer: AudioBuffer): number {
  let loudest = 0;
  for (let channel = 0; channel < buffer.numberOfChannels; channel++)
    for (const sample of buffer.getChannelData(channel)) loudest = Math.max(loudest, Math.abs(sample));
  return loudest;
}
