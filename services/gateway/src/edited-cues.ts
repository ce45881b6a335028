import type { ObjectRef } from '@soundstage/contracts';
import { badInput } from '@soundstage/core';
import { readCues } from '@soundstage/cues';
import type { PaletteReader } from './palette.js';
import { HttpError } from './problems.js';
import { uploadFile } from './upload.js';
import type { Upstream } from './upstream.js';

/** Largest cue sheet that is taken with a request: some 100,000 hits. */
export const CUES_LIMIT_BYTES = 16 * 2 ** 20;

/**
 * The text of a cue sheet that came with a request: as it is where it came as text, so that the lines of messages are
 * those of the sender's file; else one entry a line, as `writeCues` would write it, right or wrong.
 */
export function cueText(cues: unknown): string {
  if (typeof cues === 'string') return cues;
  if (typeof cues !== 'object' || cues === null || Array.isArray(cues))
    throw badInput('The cues must be a cue sheet: an object, or its text.', 'cues');
  const entries = Object.entries(cues).map(([name, value]) => {
    const isList = (name === 'hits' || name === 'layers') && Array.isArray(value) && value.length > 0;
    const written = isList
      ? `[\n${(value as unknown[]).map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(name)}: ${written}`;
  });
  return `{\n${entries.join(',\n')}\n}\n`;
}

/**
 * Checks an edited cue sheet and puts it where the inference service finds it.
 *
 * @param durationS of the video that it is for, where that is known
 * @throws BAD_INPUT with the lines that are wrong, 413 for more than CUES_LIMIT_BYTES
 */
export async function storeCues(
  cues: unknown,
  { upstream, palette, durationS }: { upstream: Upstream; palette: PaletteReader; durationS?: number | undefined },
  { requestId, signal }: { requestId: string; signal: AbortSignal },
): Promise<ObjectRef> {
  const text = cueText(cues);
  const bytes = Buffer.from(text);
  if (bytes.length > CUES_LIMIT_BYTES) throw cuesTooLarge();
  const classes = await palette.classes(signal);
  const known = new Map(
    classes.map(({ id, kind, sounds }) => [id, { kind, sounds: sounds.map(({ name }) => name) }] as const),
  );
  readCues(text, { palette: known, ...(durationS === undefined ? {} : { durationS }) });
  const file = { fileName: 'cues.json', mediaType: 'application/json', sizeBytes: bytes.length };
  return uploadFile(upstream, { ...file, content: once(bytes) }, { requestId, signal });
}

/** Also for whoever sends so much that it isn't read at all. */
export function cuesTooLarge(): HttpError {
  const limit = `${CUES_LIMIT_BYTES / 2 ** 20} MiB`;
  return new HttpError(
    413,
    'BAD_INPUT',
    `The cue sheet has more than the ${limit} that this server takes: render a film in parts, or give envelopes fewer points.`,
    [{ field: 'cues', description: `has more than ${limit}` }],
  );
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
