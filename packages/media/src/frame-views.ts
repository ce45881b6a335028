import { badInput } from '@soundstage/core';
import type { VideoInfo } from './media-info.js';

/** One way to look at the pictures of a video. */
export interface FrameView {
  /** Names the frames of this view. */
  name: string;
  width: number;
  height: number;
  pixelFormat: 'gray' | 'rgb24';
  /**
   * 'stretch' (default) fills width × height; 'contain' keeps the shape and fills the rest with black;
   * 'cover' keeps the shape and cuts off what is too much.
   */
  fit?: 'stretch' | 'contain' | 'cover';
  /** Every frame, up to this rate; above it every second, third, … of the frames. */
  maxFrameRate?: number;
  /** The first frame of each span of this many seconds. */
  everyS?: number;
  /** This many frames, in the middle of equal spans of the picture. */
  count?: number;
  /**
   * This many frames: the n-th is what players show at `n / frameRate` after the beginning of the part, as `cutParts`
   * takes it. Before the part's first picture that one stands, after the last the last one.
   */
  ticks?: { frameRate: number; frames: number };
}

const BYTES_PER_PIXEL = { gray: 1, rgb24: 3 } as const;
/** A rate may be this much above `maxFrameRate` before frames are dropped, since rates are rounded. */
const RATE_TOLERANCE = 1.1;
/** Time stamps that were rounded to milliseconds may lie this much behind their tick. */
const ROUNDED_S = 0.002;
const MAX_VIEW_PIXELS = 4096 * 4096;

export function viewFrameBytes(view: FrameView): number {
  return view.width * view.height * BYTES_PER_PIXEL[view.pixelFormat];
}

/**
 * Filters that take what stands at each tick of a constant frame rate, exactly `frames` of them. They begin with 0 where
 * the filters' clock showed `firstS`.
 */
export function framesAtRate({ frameRate, frames }: { frameRate: number; frames: number }, firstS: number): string[] {
  return [
    `setpts=PTS-(${(firstS + ROUNDED_S).toFixed(6)}/TB)`,
    `fps=fps=${frameRate}:start_time=0:round=up`,
    'tpad=stop_mode=clone:stop=-1',
    `trim=end_frame=${frames}`,
  ];
}

/**
 * The filter graph that makes all views from the decoded, upright picture: `[out0]`, `[out1]`, … Each view tells the
 * time of each frame in microseconds through `showinfo@viewN`.
 */
export function frameViewGraph(
  views: readonly FrameView[],
  video: VideoInfo,
  /** Length of the part, and what the filters' clock shows at its beginning. */
  { lengthS, firstS }: { lengthS: number; firstS: number },
): string {
  if (views.length === 0 || views.length > 8) throw badInput('Ask for 1 to 8 views.', 'views');
  const heads = views.map((_, index) => `[in${index}]`).join('');
  const chains = views.map((view, index) => {
    const steps = [
      ...selection(view, video, lengthS, firstS),
      ...scaling(view),
      'settb=1/1000000',
      `showinfo@view${index}=checksum=0`,
    ];
    return `[in${index}]${steps.join(',')}[out${index}]`;
  });
  return [`[0:${video.index}]split=${views.length}${heads}`, ...chains].join(';');
}

function selection(view: FrameView, video: VideoInfo, lengthS: number, firstS: number): string[] {
  const rules = [view.maxFrameRate, view.everyS, view.count, view.ticks?.frameRate].filter(
    (rule) => rule !== undefined,
  );
  if (rules.length > 1)
    throw badInput(`View ${view.name} takes one of maxFrameRate, everyS, count and ticks.`, 'views');
  if (rules.some((rule) => !(Number.isFinite(rule) && rule > 0))) {
    throw badInput(`View ${view.name}: maxFrameRate, everyS, count and ticks must be above 0.`, 'views');
  }
  if (view.ticks !== undefined) return framesAtRate(view.ticks, firstS);
  if (view.maxFrameRate !== undefined) {
    const step = Math.max(1, Math.ceil(video.frameRate / (view.maxFrameRate * RATE_TOLERANCE)));
    // Bursts of a variable rate are thinned to twice the rate at most.
    const gapS = 0.5 / view.maxFrameRate / RATE_TOLERANCE;
    return [select(`not(mod(n,${step}))*(isnan(prev_selected_t)+gte(t-prev_selected_t,${gapS}))`)];
  }
  if (view.everyS !== undefined) {
    const slot = (time: string) => `floor(${time}/${view.everyS}+0.0001)`;
    return [select(`isnan(prev_selected_t)+gt(${slot('t')},${slot('prev_selected_t')})`)];
  }
  if (view.count !== undefined) {
    const spanS = lengthS / view.count;
    const frameS = video.frameRate > 0 ? 1 / video.frameRate : lengthS;
    const dueS = `(selected_n+0.5)*${spanS}-${frameS}`;
    return [select(`lt(selected_n,${view.count})*gte(t,${dueS})`)];
  }
  return [];
}

function select(expression: string): string {
  return `select='${expression}'`;
}

function scaling({ name, width, height, pixelFormat, fit }: FrameView): string[] {
  const whole = [width, height].every((side) => Number.isInteger(side) && side > 0);
  if (!whole || width * height > MAX_VIEW_PIXELS) throw badInput(`View ${name} has no valid size.`, 'views');
  const size = `${width}:${height}`;
  // Square pixels first, where the shape matters.
  const square = 'scale=max(1\\,trunc(iw*sar)):ih:flags=area,setsar=1';
  switch (fit ?? 'stretch') {
    case 'stretch':
      return [`scale=${size}:flags=area`, `format=${pixelFormat}`];
    case 'contain':
      return [
        square,
        `scale=${size}:flags=area:force_original_aspect_ratio=decrease`,
        `format=${pixelFormat}`,
        `pad=${size}:(ow-iw)/2:(oh-ih)/2:black`,
      ];
    case 'cover':
      return [
        square,
        `scale=${size}:flags=area:force_original_aspect_ratio=increase`,
        `crop=${size}`,
        `format=${pixelFormat}`,
      ];
  }
}
