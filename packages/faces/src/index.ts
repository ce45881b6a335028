export { cropSquare, type CroppedPicture } from './crop-square.js';
export { findFaces, writeCrops, type FramesOf } from './face-crops.js';
export { createFaceModel, FACE_BATCH, FACE_SIDE, type DetectedFace, type FaceModel } from './face-model.js';
export type { FaceTrack } from './face-track.js';
export { followFaces, type FollowedFaces, type FollowFacesOptions } from './follow-faces.js';
export { KEPT_POINTS } from './kept-points.js';
export { createMeshModel, MESH_SIDE, type Mesh, type MeshModel } from './mesh-model.js';
export { smoothTrack, type Square } from './smooth-track.js';
export {
  mainTrack,
  trackFace,
  type Face,
  type FaceRules,
  type LinkRules,
  type Track,
  type TrackOutcome,
} from './track-face.js';
