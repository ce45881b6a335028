import { listOf, media, number, object, share, text } from './schema-parts.js';

/* What the API says of sync jobs. */

const segment = object({
  startS: { type: 'number', description: 'Seconds of the picture.' },
  endS: number,
  offsetMs: { type: 'number', description: 'At its middle. Positive: the sound comes late.' },
  driftPpm: { type: 'number', description: 'By how many microseconds the offset grows each second.' },
  confidence: share('How likely the offset is right within 80 ms.'),
  speechS: { type: 'number', description: 'Seconds of speech of a face in the picture that it rests on.' },
});

const answer = {
  verdict: { type: 'string', enum: ['in_sync', 'offset', 'drift', 'piecewise', 'cannot_tell'] },
  reason: {
    type: 'string',
    description: 'With `cannot_tell` alone: `no_face`, `no_speech`, `too_little` or `no_agreement`.',
  },
  detail: { type: 'string', description: 'In one sentence: what was found, or why nothing can be told.' },
  offsetMs: {
    type: 'number',
    description:
      'At the middle of the film, or of the segment with most speech. Positive: the sound comes late. Absent where nothing can be told.',
  },
  confidence: share('How likely it is right; 0 where nothing can be told.'),
  segments: { ...listOf(segment), description: 'In order, without gaps, over the whole picture.' },
};
const OPTIONAL = ['reason', 'offsetMs'] as const;

export const syncRequest = {
  description: 'What was asked for, of a sync job.',
  ...object({ fileName: text, rangeS: number, measureOnly: { type: 'boolean' }, source: media }, ['source']),
};

export const syncResult = {
  description: 'What a sync job found and made.',
  ...object(
    {
      ...answer,
      after: {
        description:
          'Of the repaired video. Present without `video` where the repair was no better and was thrown away.',
        ...object(answer, [...OPTIONAL]),
      },
      video: {
        ...media,
        description: 'The same picture with the sound in its place. Absent where nothing was repaired.',
      },
      whatWasDone: { type: 'string', description: 'How the sound was moved, or why nothing was altered.' },
      durationS: number,
      timings: listOf(object({ step: text, seconds: number })),
      warnings: listOf(text),
      models: listOf(object({ name: text, version: text })),
    },
    [...OPTIONAL, 'after', 'video'],
  ),
};

/** What a job of this kind is asked, beside the video. */
export const syncFields = {
  rangeS: {
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 5,
    description: 'Of `sync` alone: offsets up to so many seconds either way are looked for. Default 1.',
  },
  measureOnly: {
    type: 'boolean',
    description: 'Of `sync` alone: say what is found and repair nothing. Default false.',
  },
};
