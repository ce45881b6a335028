/** A part of the clip that is seen from one place. */
export interface Scene {
  startS: number;
  endS: number;
}

/** What is shown shorter than this is a flash, not a scene. */
const SHORTEST_S = 1;

/** The parts between cuts, from 0 to the end. What is too short belongs to the scene before it. */
export function scenesOf(cutsS: readonly number[], durationS: number): Scene[] {
  const scenes: Scene[] = [];
  let startS = 0;
  for (const cutS of [...cutsS].sort((a, b) => a - b)) {
    if (cutS - startS < SHORTEST_S || durationS - cutS < SHORTEST_S) continue;
    scenes.push({ startS, endS: cutS });
    startS = cutS;
  }
  return [...scenes, { startS, endS: durationS }];
}
