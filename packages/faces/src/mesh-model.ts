import { asFloat32, type ModelOnUse } from '@soundstage/models';

/** Side of the square that the model looks at. */
export const MESH_SIDE = 192;
/** Points of the mesh. */
export const MESH_POINTS = 468;
/** Crops that go through the model at once. */
const MESH_BATCH = 16;

/** The points of a face in its crop. */
export interface Mesh {
  /** [468, 3]: x and y as shares of the crop's side from its top left, z on the same scale, smaller is nearer. */
  points: Float32Array;
  /** 0 to 1: how sure it is that the crop shows a face. */
  score: number;
}

/** Finds the points of faces. */
export interface MeshModel {
  /** From this score on the card calls it a face. */
  readonly threshold: number;
  /**
   * @param crops RGB, MESH_SIDE × MESH_SIDE, upright, the face's box made square and 1.5 times as wide
   * @returns the mesh of each, in order
   */
  find(crops: readonly Uint8Array[], signal?: AbortSignal): Promise<Mesh[]>;
}

/** @param model `lips` of the shipped models */
export function createMeshModel(model: Pick<ModelOnUse, 'card' | 'run'>): MeshModel {
  const runBatch = async (crops: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<Mesh[]> => {
    const data = new Uint8Array(crops.length * MESH_SIDE * MESH_SIDE * 3);
    crops.forEach((crop, n) => data.set(crop, n * MESH_SIDE * MESH_SIDE * 3));
    const input = { dims: [crops.length, MESH_SIDE, MESH_SIDE, 3], data };
    const made = await model.run({ faces: input }, { signal, outputs: ['points', 'score'] });
    const points = asFloat32(made['points']);
    const scores = asFloat32(made['score']);
    return crops.map((_, n) => ({
      points: points.subarray(n * MESH_POINTS * 3, (n + 1) * MESH_POINTS * 3),
      score: scores[n]!,
    }));
  };
  return {
    threshold: Number(model.card['threshold']),
    async find(crops, signal) {
      const runs: Promise<Mesh[]>[] = [];
      for (let at = 0; at < crops.length; at += MESH_BATCH)
        runs.push(runBatch(crops.slice(at, at + MESH_BATCH), signal));
      return (await Promise.all(runs)).flat();
    },
  };
}
