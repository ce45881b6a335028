import type { ObjectRef } from '@soundstage/contracts';
import type { MediaJson } from './api-types.js';

export function mediaToJson({ sizeBytes, mediaType, sha256 }: ObjectRef): MediaJson {
  return { sizeBytes: Number(sizeBytes), mediaType, sha256 };
}
