import { badInput, type CreateService } from '@soundstage/core';

/** Each is loaded when it is asked for, so that the other commands start at once. */
export const SERVICES = {
  collector: async () => (await import('@soundstage/collector')).createCollector,
  preprocessor: async () => (await import('@soundstage/preprocessor')).createPreprocessor,
  splitter: async () => (await import('@soundstage/splitter')).createSplitter,
  'feature-extractor': async () => (await import('@soundstage/feature-extractor')).createFeatureExtractor,
  'trainer-launcher': async () => (await import('@soundstage/trainer-launcher')).createTrainerLauncher,
  inference: async () => (await import('@soundstage/inference')).createInference,
} as const satisfies Readonly<Record<string, () => Promise<CreateService>>>;

export type ServiceName = keyof typeof SERVICES;

/** How a service is loaded. @throws BAD_INPUT that names those that there are */
export function serviceNamed(name: string): () => Promise<CreateService> {
  if (Object.hasOwn(SERVICES, name)) return SERVICES[name as ServiceName];
  throw badInput(`There is no service ${JSON.stringify(name)}: choose one of ${Object.keys(SERVICES).join(', ')}.`);
}
