export { decodeAudio, type DecodeAudioOptions } from './decode-audio.js';
export { decodeFrames, type DecodedFrame, type DecodeFramesOptions } from './decode-frames.js';
export type { FrameView } from './frame-views.js';
export { DEFAULT_LIMITS, type MediaLimits } from './limits.js';
export type { AudioInfo, MediaInfo, SubtitleInfo, VideoInfo } from './media-info.js';
export { probe, type ProbeOptions } from './probe.js';
export { runningProcesses } from './process.js';
