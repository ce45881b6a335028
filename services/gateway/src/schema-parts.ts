/* Pieces that JSON schemas are made of. */

export const text = { type: 'string' } as const;
export const number = { type: 'number' } as const;
export const object = <Properties extends object>(properties: Properties, optional: (keyof Properties)[] = []) => ({
  type: 'object' as const,
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name as keyof Properties)),
});
export const listOf = (items: object) => ({ type: 'array' as const, items });
export const share = (description: string) => ({ type: 'number', minimum: 0, maximum: 1, description });
export const media = object({ sizeBytes: { type: 'integer' }, mediaType: text, sha256: text });
