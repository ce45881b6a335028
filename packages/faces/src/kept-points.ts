/** The ring around the lips, from the right corner of the mouth (the picture's left) over the upper lip: the card of `lips`. */
const OUTER_LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146];
/** The ring where the lips meet, in the same order. */
const INNER_LIPS = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95];
/**
 * What stands still while one speaks, or tells how the head is turned: tip of the nose, beneath it, its ridge, corners of
 * the eyes, top of the forehead, chin, cheeks at both sides, between the eyes.
 */
const HEAD = [1, 2, 4, 33, 133, 362, 263, 10, 152, 234, 454, 168];

/** The points of the mesh that are kept of each face, by MediaPipe's numbers and in this order: 20, 20 and 12. */
export const KEPT_POINTS: readonly number[] = [...OUTER_LIPS, ...INNER_LIPS, ...HEAD];
