import { JOB_KINDS } from './find-job.js';
import { listOf, media, number, object, share, text } from './schema-parts.js';
import { DEFAULT_RESULT_S, LONGEST_RESULT_S } from './signed-results.js';
import { syncFields, syncRequest, syncResult } from './sync-schemas.js';

/** JSON schemas of the API: they check what comes in, shape what goes out, and make up /openapi.json. */

const seed = {
  type: 'string',
  pattern: '^[0-9]{1,16}$',
  description: 'A whole number from 0 to 9007199254740991, as text.',
};

const sounds = listOf(
  object({ name: text, licence: { type: 'string', description: 'SPDX identifier; empty for `synthesis`.' } }),
);

const candidate = {
  description: 'One soundtrack.',
  ...object(
    {
      seed,
      hits: { type: 'integer', description: 'How many struck sounds its cue sheet has.' },
      layers: { type: 'integer', description: 'How many sounds that go on.' },
      sounds,
      loudnessLufs: { type: 'number', description: 'Integrated loudness, EBU R 128; absent for silence.' },
      truePeakDbtp: number,
      video: { ...media, description: 'Absent where only the cue sheet was asked for.' },
      cues: { ...media, description: 'Absent with the engine `regnet`, as its WebVTT is.' },
      cuesVtt: media,
      links: object({ video: text, cues: text, cuesVtt: text }, ['video', 'cues', 'cuesVtt']),
    },
    ['loudnessLufs', 'truePeakDbtp', 'video', 'cues', 'cuesVtt'],
  ),
};

export const jobSchema = {
  $id: 'Job',
  description: 'A piece of long work.',
  ...object(
    {
      id: text,
      kind: { type: 'string', enum: [...JOB_KINDS], description: 'What kind of work it is.' },
      state: { type: 'string', enum: ['queued', 'running', 'succeeded', 'failed', 'cancelled'] },
      createTime: { type: 'string', format: 'date-time' },
      updateTime: { type: 'string', format: 'date-time' },
      fraction: share('Whole progress.'),
      attempt: { type: 'integer', description: 'Which try this is, from 1.' },
      traceId: { type: 'string', description: 'W3C trace id, to find the job’s log lines and spans.' },
      steps: listOf(
        object({
          name: text,
          fraction: share('Progress of the step.'),
          seconds: { type: 'number', description: 'Time spent so far.' },
          message: { type: 'string', description: 'What is happening, in words.' },
        }),
      ),
      syncRequest,
      syncResult,
      request: {
        description: 'What was asked for, of a foley job.',
        ...object(
          {
            fileName: text,
            sound: text,
            keepOriginal: { type: 'boolean' },
            seed,
            mute: listOf(text),
            quality: { type: 'string', enum: ['draft', 'standard'] },
            candidates: { type: 'integer' },
            onlyCues: { type: 'boolean' },
            engine: { type: 'string', enum: ['palette', 'regnet'] },
            stillDurationS: number,
            source: media,
            cues: { ...media, description: 'The cue sheet that was to be rendered.' },
          },
          ['source', 'stillDurationS', 'cues'],
        ),
      },
      error: { description: 'Why the job failed.', ...object({ reason: text, message: text }) },
      result: {
        description: 'What a foley job made.',
        ...object(
          {
            durationS: number,
            candidates: listOf(candidate),
            classes: listOf(object({ label: text, confidence: share('How sure it is.') })),
            timings: listOf(object({ step: text, seconds: number })),
            warnings: listOf(text),
            timingTrust: share('How far the times of the hits can be trusted; absent where nothing was timed.'),
            models: { ...listOf(object({ name: text, version: text })), description: 'The models that the job ran.' },
          },
          ['timingTrust'],
        ),
      },
      links: object(
        {
          ...{ self: text, events: text, cancel: text, source: text, result: text },
          report: { type: 'string', description: 'Of a sync job: a page with all that its answer rests on.' },
          evidence: { type: 'string', description: 'Of a sync job: the same as JSON.' },
          signedResult: {
            type: 'string',
            description: 'The result’s address for somebody else: it needs no log-in and works for an hour.',
          },
        },
        ['source', 'result', 'report', 'evidence', 'signedResult'],
      ),
    },
    ['request', 'error', 'result', 'syncRequest', 'syncResult'],
  ),
};

export const problemSchema = {
  $id: 'Problem',
  description: 'RFC 9457 problem details.',
  ...object(
    {
      type: text,
      title: text,
      status: { type: 'integer' },
      detail: { type: 'string', description: 'A sentence that says what to do next.' },
      instance: text,
      reason: text,
      violations: listOf(object({ field: text, description: text })),
      retryAfterS: { type: 'integer' },
    },
    ['violations', 'retryAfterS'],
  ),
};

const jobFields = {
  kind: { type: 'string', enum: [...JOB_KINDS] },
  sound: {
    type: 'string',
    maxLength: 200,
    description: 'What makes the sound, for example `hammer on wood`. Empty: decided from the picture.',
  },
  seed: { ...seed, description: 'The same seed gives the same bytes. Default 0.' },
  quality: { type: 'string', enum: ['draft', 'standard'], description: 'Draft is a first listen. Default standard.' },
  candidates: {
    type: 'integer',
    minimum: 1,
    maximum: 8,
    description: 'How many soundtracks to choose from, by the seeds `seed`, `seed` + 1 and so on. Default 1.',
  },
  engine: {
    type: 'string',
    enum: ['palette', 'regnet'],
    description:
      'Palette: recorded and synthesised sounds, placed by a cue sheet. Regnet: a net draws the sound from the picture of a video, with no cue sheet; sound, mute, onlyCues, cues and more than one candidate don’t go with it. Default palette.',
  },
  stillDurationS: {
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 14_400,
    description: 'How long a still image sounds, seconds. Default 10.',
  },
  ...syncFields,
};
const muteText = { type: 'string', description: 'What must not sound: `music, speech`. Classes or groups of them.' };
const OPTIONAL = [
  ...(['sound', 'seed', 'quality', 'candidates', 'stillDurationS', 'mute', 'onlyCues', 'engine'] as const),
  ...(['rangeS', 'measureOnly'] as const),
];

export const jobFormSchema = {
  description: 'Fields before the file are best; `sizeBytes`, when sent, must be.',
  ...object(
    {
      ...jobFields,
      mute: muteText,
      measureOnly: { ...syncFields.measureOnly, type: 'string', enum: ['true', 'false'] },
      keepOriginal: { type: 'string', enum: ['true', 'false'], description: 'Mix under the video’s own sound.' },
      onlyCues: { type: 'string', enum: ['true', 'false'], description: 'Make the cue sheet and no video.' },
      sizeBytes: {
        type: 'string',
        pattern: '^[0-9]+$',
        description: 'The file’s size; needed only for a file over 8 MiB that is not the last part.',
      },
      file: { type: 'string', format: 'binary', description: 'The video, or an image (PNG, JPEG, WebP).' },
    },
    [...OPTIONAL, 'keepOriginal', 'sizeBytes'],
  ),
};

export const jobAgainSchema = {
  description: 'Another take of an earlier job’s video, without a second upload.',
  ...object(
    {
      ...jobFields,
      mute: { anyOf: [muteText, listOf(text)] },
      keepOriginal: { type: 'boolean' },
      onlyCues: { type: 'boolean', description: 'Make the cue sheet and no video.' },
      cues: {
        description:
          'An edited cue sheet to render, as `/v1/jobs/{id}/candidates/{number}/cues` gives it: an object, or its text (then the lines of messages are those of the text). At most 16 MiB.',
        anyOf: [{ type: 'object' }, { type: 'string' }],
      },
      sourceJob: { type: 'string', maxLength: 64, description: 'The job whose video is used.' },
      upload: { type: 'string', maxLength: 64, description: 'In place of sourceJob: what was sent by /v1/uploads.' },
    },
    [...OPTIONAL, 'keepOriginal', 'cues', 'sourceJob', 'upload'],
  ),
  additionalProperties: false,
};

export const idempotencyHeader = {
  type: 'object',
  properties: { 'idempotency-key': { type: 'string', description: 'Makes a repeated request harmless.' } },
};

export const uploadSchema = {
  ...object(
    {
      fileName: { type: 'string', maxLength: 1000 },
      sizeBytes: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
      mediaType: { type: 'string', maxLength: 200 },
      sha256: {
        type: 'string',
        pattern: '^[0-9a-f]{64}$',
        description: 'Of the content; it is checked before any work.',
      },
    },
    ['mediaType'],
  ),
  additionalProperties: false,
};

export const announcedSchema = object(
  {
    id: { type: 'string', description: 'For `upload` of a job.' },
    complete: { type: 'boolean', description: 'The bytes are there already.' },
    address: {
      description: 'A request that its signature allows until it expires.',
      ...object({
        url: text,
        method: text,
        headers: { type: 'object', additionalProperties: text, description: 'To be sent exactly so.' },
        expiresAt: { type: 'string', format: 'date-time' },
      }),
    },
  },
  ['address'],
);

export const linkQuery = object(
  {
    candidate: { type: 'integer', minimum: 1, maximum: 8, default: 1 },
    expiresS: {
      ...{ type: 'integer', minimum: 1, maximum: LONGEST_RESULT_S, default: DEFAULT_RESULT_S },
      description: 'How long it works, seconds; a week at most.',
    },
  },
  ['candidate', 'expiresS'],
);

export const linkSchema = object({ url: text, expiresAt: { type: 'string', format: 'date-time' } });

export const jobParams = object({ id: { type: 'string', minLength: 1, maxLength: 64 } });

export const candidateParams = object({
  ...jobParams.properties,
  number: { type: 'integer', minimum: 1, maximum: 8, description: 'Which candidate, from 1.' },
});

export const listQuery = {
  ...object(
    {
      kind: { type: 'string', enum: [...JOB_KINDS], default: 'foley' },
      pageSize: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
      pageToken: { type: 'string', maxLength: 512 },
    },
    ['kind', 'pageSize', 'pageToken'],
  ),
};

export const jobListSchema = object({ jobs: listOf({ $ref: 'Job#' }), nextPageToken: text }, ['nextPageToken']);

export const fileQuery = object(
  { download: { type: 'string', enum: ['0', '1'], description: '1: save instead of show.' } },
  ['download'],
);

export const problemResponse = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
});

/** What any route about jobs may be refused with. */
export const refused = {
  400: problemResponse('Something in the request is wrong.'),
  404: problemResponse('There is no such job, or it has no such file.'),
  503: problemResponse('The inference service can’t be reached.'),
};

export const fileResponse = (description: string, mediaType: string) => ({
  description,
  content: { [mediaType]: { schema: { type: 'string', format: 'binary' } } },
});

export const soundListSchema = object({
  classes: listOf(
    object({
      id: { type: 'string', description: 'What a cue calls it, for example `wood`.' },
      label: { type: 'string', description: 'In words.' },
      kind: { type: 'string', enum: ['struck', 'continuous'], description: 'A hit needs a struck class.' },
      group: { type: 'string', description: 'What it can be muted with, besides its id.' },
      sounds,
      links: object({ preview: text }),
    }),
  ),
});

export const soundParams = object({ class: { type: 'string', minLength: 1, maxLength: 100 } });

export const previewQuery = object(
  {
    sound: { type: 'string', maxLength: 100, description: 'One of the class’s sounds. Default: the seed chooses.' },
    strength: { ...share('Of a hit.'), default: 0.8 },
    seed: { ...seed, default: '0' },
  },
  ['sound', 'strength', 'seed'],
);

export const statusSchema = object({ status: text });
