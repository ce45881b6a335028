export { MOST_HITS, MOST_LAYERS, type CueSheet, type HitCue, type LayerCue, type Scene } from './cue-sheet.js';
export { envelopeLevels, envelopePoints, type EnvelopePoint } from './envelope.js';
export { MOST_CUE_BYTES, readCues, type ReadCuesOptions } from './read-cues.js';
export { toWebVtt } from './web-vtt.js';
export { roundCues, writeCues } from './write-cues.js';
