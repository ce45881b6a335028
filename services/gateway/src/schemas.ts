/** JSON schemas of the API: they check what comes in, shape what goes out, and make up /openapi.json. */

const text = { type: 'string' } as const;
const number = { type: 'number' } as const;
const object = <Properties extends object>(properties: Properties, optional: (keyof Properties)[] = []) => ({
  type: 'object' as const,
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name as keyof Properties)),
});
const listOf = (items: object) => ({ type: 'array' as const, items });
const share = (description: string) => ({ type: 'number', minimum: 0, maximum: 1, description });
const seed = {
  type: 'string',
  pattern: '^[0-9]{1,16}$',
  description: 'A whole number from 0 to 9007199254740991, as text.',
};

const media = object({ sizeBytes: { type: 'integer' }, mediaType: text, sha256: text });

export const jobSchema = {
  $id: 'Job',
  description: 'A piece of long work.',
  ...object(
    {
      id: text,
      kind: { type: 'string', description: 'What kind of work it is; this server makes `foley`.' },
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
      request: {
        description: 'What was asked for.',
        ...object({ fileName: text, sound: text, keepOriginal: { type: 'boolean' }, seed, source: media }, ['source']),
      },
      error: { description: 'Why the job failed.', ...object({ reason: text, message: text }) },
      result: {
        description: 'What the job made.',
        ...object(
          {
            durationS: number,
            classes: listOf(object({ label: text, confidence: share('How sure it is.') })),
            onsets: listOf(object({ timeS: number, strength: share('Relative to the strongest.') })),
            seed,
            sounds: listOf(object({ name: text, licence: { type: 'string', description: 'SPDX identifier.' } })),
            timings: listOf(object({ step: text, seconds: number })),
            warnings: listOf(text),
            loudnessLufs: { type: 'number', description: 'Integrated loudness, EBU R 128; absent for silence.' },
            truePeakDbtp: number,
            video: media,
          },
          ['video', 'loudnessLufs', 'truePeakDbtp'],
        ),
      },
      links: object({ self: text, events: text, cancel: text, source: text, result: text }, ['source', 'result']),
    },
    ['request', 'error', 'result'],
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
  kind: { type: 'string', enum: ['foley'] },
  sound: {
    type: 'string',
    maxLength: 200,
    description: 'What makes the sound, for example `hammer on wood`. Empty: decided from the picture.',
  },
  seed: { ...seed, description: 'The same seed gives the same bytes. Default 0.' },
};

export const jobFormSchema = {
  description: 'Fields before the file are best; `sizeBytes`, when sent, must be.',
  ...object(
    {
      ...jobFields,
      keepOriginal: { type: 'string', enum: ['true', 'false'], description: 'Mix under the video’s own sound.' },
      sizeBytes: {
        type: 'string',
        pattern: '^[0-9]+$',
        description: 'The file’s size; needed only for a file over 8 MiB that is not the last part.',
      },
      file: { type: 'string', format: 'binary', description: 'The video.' },
    },
    ['sound', 'seed', 'keepOriginal', 'sizeBytes'],
  ),
};

export const jobAgainSchema = {
  description: 'Another take of an earlier job’s video, without a second upload.',
  ...object(
    {
      ...jobFields,
      keepOriginal: { type: 'boolean' },
      sourceJob: { type: 'string', maxLength: 64, description: 'The job whose video is used.' },
    },
    ['sound', 'seed', 'keepOriginal'],
  ),
  additionalProperties: false,
};

export const jobParams = object({ id: { type: 'string', minLength: 1, maxLength: 64 } });

export const listQuery = {
  ...object(
    {
      pageSize: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
      pageToken: { type: 'string', maxLength: 512 },
    },
    ['pageSize', 'pageToken'],
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

export const fileResponse = (description: string) => ({
  description,
  content: { 'video/*': { schema: { type: 'string', format: 'binary' } } },
});

export const statusSchema = object({ status: text });
