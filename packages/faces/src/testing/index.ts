/** Faces that are drawn, for tests of what looks for faces. */
export { makeFaceClip, type DrawnFace, type FaceClip } from './drawn-face.js';
