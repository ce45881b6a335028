export {
  checkOrderTold,
  defaultOutputExtension,
  outputContainer,
  type OutputContainer,
  type OutputExtension,
} from './containers.js';
export { cutClip, type CutClip, type CutClipOptions } from './cut-clip.js';
export {
  cutParts,
  type CutPartsOptions,
  type PicturePart,
  type PictureSize,
  type Preview,
  type SoundPart,
} from './cut-parts.js';
export { decodeAudio, type DecodeAudioOptions } from './decode-audio.js';
export { decodeFrames, type DecodedFrame, type DecodeFramesOptions } from './decode-frames.js';
export { encodeFrames, type EncodeFramesOptions } from './encode-frames.js';
export type { FrameView } from './frame-views.js';
export { jpegStills, type JpegStillsOptions } from './jpeg-stills.js';
export { DEFAULT_LIMITS, type MediaLimits } from './limits.js';
export { measureLoudness, type Loudness } from './loudness.js';
export type { AudioInfo, MediaInfo, SubtitleInfo, VideoInfo } from './media-info.js';
export { muxSound, type MuxedVideo, type MuxSoundOptions } from './mux-sound.js';
export { hashVideoPackets, pictureMovedBy } from './packet-hash.js';
export { probe, type ProbeOptions } from './probe.js';
export { probeStored, type StoredClip } from './probe-stored.js';
export { runningProcesses } from './process.js';
export type { PcmSource, SoundSource } from './sound-input.js';
export { defaultRepairExtension, repairContainer } from './repair-containers.js';
export { retimeSound, type RetimeSoundOptions } from './retime-sound.js';
export { shiftSound, type RepairedVideo, type ShiftSoundOptions } from './shift-sound.js';
export { makeStillVideo, type StillVideoOptions } from './still-video.js';
export { framesAtTicks } from './ticks.js';
export type { SoundPiece } from './time-map.js';
