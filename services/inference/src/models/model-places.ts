import { SoundstageError, type ObjectStore } from '@soundstage/core';
import { findModelFolder, promotedVersion, registeredFolder } from '@soundstage/models';

/** A version of a model, not opened yet. */
export interface ModelPlace {
  /** Tells versions apart: `promoted 7`, or the folder of one that ships. */
  id: string;
  promoted: boolean;
  /** Fetches it where it isn't here. Throws SoundstageError BAD_INPUT where its files are gone or have other hashes. */
  folder(): Promise<string>;
}

/** Where promoted models lie, and where they are kept once fetched. */
export interface PromotedModels {
  store: ObjectStore;
  cacheFolder: string;
}

/** The promoted version of a model, if there is one, then the one that ships, if there is one. */
export async function modelPlaces(
  name: string,
  shippedFolder: string,
  promoted: PromotedModels | undefined,
): Promise<ModelPlace[]> {
  const places: ModelPlace[] = [];
  const version = promoted && (await promotedVersion(promoted.store, name));
  if (promoted !== undefined && version !== undefined)
    places.push({
      id: `promoted ${version}`,
      promoted: true,
      folder: () => registeredFolder(promoted.store, name, version, promoted.cacheFolder),
    });
  const shipped = await findModelFolder(shippedFolder, name).catch((error: unknown) => {
    if (SoundstageError.from(error).reason === 'NOT_FOUND') return undefined;
    throw error;
  });
  if (shipped !== undefined) places.push({ id: shipped, promoted: false, folder: async () => shipped });
  return places;
}
