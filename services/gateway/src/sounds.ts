import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { SoundstageError } from '@soundstage/core';
import { listsTag } from './download.js';
import type { PaletteReader } from './palette.js';
import * as schemas from './schemas.js';
import { unary, type Upstream } from './upstream.js';

interface PreviewRoute {
  Params: { class: string };
  Querystring: { sound?: string; strength: number; seed: string };
}

/** /v1/sounds: what there is to hear, and one of it at a time. */
export function addSoundRoutes(app: FastifyInstance, upstream: Upstream, palette: PaletteReader): void {
  const tags = ['sounds'];
  app.get(
    '/v1/sounds',
    {
      schema: {
        tags,
        summary: 'List the classes of sounds, with their recordings and licences',
        response: {
          200: { description: 'The palette.', ...schemas.soundListSchema },
          503: schemas.refused[503],
        },
      },
    },
    async (_request, reply) => {
      void reply.header('cache-control', 'private, max-age=60');
      return { classes: await palette.classes() };
    },
  );

  app.get<PreviewRoute>(
    '/v1/sounds/:class',
    {
      schema: {
        tags,
        summary: 'Hear one hit, or a few seconds of a layer that can be repeated',
        params: schemas.soundParams,
        querystring: schemas.previewQuery,
        response: {
          200: schemas.fileResponse('WAV, 48 kHz stereo, 16 bit, at most 6 seconds.', 'audio/wav'),
          400: schemas.refused[400],
          404: schemas.problemResponse('The palette has no such class.'),
          503: schemas.refused[503],
        },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const classes = await palette.classes();
      if (!classes.some(({ id }) => id === params.class)) {
        const named = JSON.stringify(params.class.slice(0, 80));
        throw new SoundstageError('NOT_FOUND', `The palette has no class ${named}: /v1/sounds lists them.`);
      }
      const preview = upstream.inference.previewSound.bind(upstream.inference);
      const { wav } = await unary(preview, {
        class: params.class,
        sound: query.sound ?? '',
        strength: query.strength,
        seed: BigInt(query.seed),
      });
      const etag = `"${createHash('sha256').update(wav).digest('hex')}"`;
      void reply.headers({ etag, 'cache-control': 'private, max-age=3600' }).type('audio/wav');
      if (listsTag(request.headers['if-none-match'], etag)) return reply.code(304).send();
      return reply.send(wav);
    },
  );
}
