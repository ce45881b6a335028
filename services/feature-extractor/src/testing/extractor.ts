import { createLocalAdapters } from '@soundstage/adapters-local';
import {
  CreateFeatureExtractionRequest,
  FeatureExtractionSpec,
  FeatureExtractorServiceService,
  type Feature,
  type FeatureExtractionResult,
  type FeatureFile,
  type Job,
  type ObjectRef,
} from '@soundstage/contracts';
import { startTestServices, temporaryFolder, type TestServices } from '@soundstage/core/testing';
import { createFeatureExtractor } from '../index.js';

/** A feature extractor in this process, and what tests want of it. */
export interface TestExtractor {
  services: TestServices;
  /** A path in a folder that goes with the extractor. */
  path(name: string): string;
  upload(content: Buffer, mediaType?: string): Promise<ObjectRef>;
  create(clip: ObjectRef, features: Feature[], more?: Partial<FeatureExtractionSpec>): Promise<Job>;
  /** The result of a job that must succeed. */
  extract(
    clip: ObjectRef,
    features: Feature[],
    more?: Partial<FeatureExtractionSpec>,
  ): Promise<FeatureExtractionResult>;
  /** The sentence with which a job is refused. */
  refusal(clip: ObjectRef, features: Feature[], more?: Partial<FeatureExtractionSpec>): Promise<string>;
  numbersOf(file: FeatureFile | undefined): Promise<Float32Array>;
  stop(): Promise<void>;
}

const HEADER_BYTES = 128;

export async function startExtractor(): Promise<TestExtractor> {
  const home = await temporaryFolder();
  const services = await startTestServices(createLocalAdapters, [createFeatureExtractor], home.path);
  const { client } = services;
  const create: TestExtractor['create'] = async (clip, features, more = {}) => {
    const spec = FeatureExtractionSpec.fromPartial({ clip, features, ...more });
    const request = CreateFeatureExtractionRequest.fromPartial({ spec });
    return (await client.call(FeatureExtractorServiceService.createFeatureExtraction, request)).job!;
  };
  return {
    services,
    path: (name) => `${home.path}/${name}`,
    upload: (content, mediaType = 'video/mp4') => client.upload(content, mediaType),
    create,
    extract: async (...asked) => client.resultOf((await create(...asked)).id, 'featureExtraction'),
    async refusal(...asked) {
      const { error } = await client.untilEnded((await create(...asked)).id, 60_000);
      if (error?.reason !== 'BAD_INPUT') throw new Error(`not refused: ${JSON.stringify(error)}`);
      return error.message;
    },
    async numbersOf(file) {
      const bytes = (await client.download(file!.array!.key)).subarray(HEADER_BYTES);
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    },
    async stop() {
      await services.drain();
      await home.remove();
    },
  };
}
