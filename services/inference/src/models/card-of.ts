import type { Model } from '@soundstage/contracts';
import type { OpenModel } from '@soundstage/models';

/** What is told of an open model. */
export function cardOf({ card, executionProvider }: OpenModel): Model {
  const { name, version, sha256, licence } = card;
  return { name, version, sha256, executionProvider, licence: licence.model };
}
