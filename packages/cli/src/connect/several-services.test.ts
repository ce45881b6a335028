import { describe, expect, test } from '@jest/globals';
import {
  CollectorServiceService,
  InferenceServiceService,
  JobServiceService,
  TrainerLauncherServiceService,
} from '@soundstage/contracts';
import { addressesFor, readAddresses, serverOf } from './addresses.js';
import type { ServiceClient } from './client.js';
import type { ServiceName } from './services.js';
import { severalServices } from './several-services.js';

const thrownBy = (work: () => unknown): string => {
  try {
    work();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return '';
};

describe('The address of services', () => {
  test('is one for all, or one for each', () => {
    expect(addressesFor(['inference'], readAddresses('[::1]:7400'))).toEqual(new Map([['inference', '[::1]:7400']]));
    const each = readAddresses('collector=collector:7400, trainer-launcher=10.0.0.7:7401');
    expect(addressesFor(['trainer-launcher'], each)).toEqual(new Map([['trainer-launcher', '10.0.0.7:7401']]));
    expect(thrownBy(() => addressesFor(['collector', 'inference'], each))).toContain('add inference=host:port');
  });

  test.each([
    ['here', 'give host:port'],
    ['', 'give host:port'],
    ['collector=here', 'give host:port'],
    ['collector=a:1,', 'give host:port'],
    ['collecter=a:1', 'there is no service "collecter"'],
    ['collector=a:1,collector=b:1', 'collector in it twice'],
  ])('refuses %j, and says why', (text, why) => expect(thrownBy(() => readAddresses(text))).toContain(why));

  test('is taken from the environment where the command says nothing', () => {
    expect(serverOf({}, { SOUNDSTAGE_SERVER: 'a:1' })).toBe('a:1');
    expect(serverOf({ server: 'b:2' }, { SOUNDSTAGE_SERVER: 'a:1' })).toBe('b:2');
    expect(serverOf({}, { SOUNDSTAGE_SERVER: '' })).toBeUndefined();
  });
});

describe('Services at several addresses', () => {
  /** Notes what it is asked; whatever makes a job gets one that is named after it. */
  const heard: string[] = [];
  const clientOf = (name: string): ServiceClient => {
    const note = async (what: string) => void heard.push(`${name} ${what}`);
    return {
      ready: () => note('ready'),
      async call({ path }) {
        await note(path.split('/').at(-1)!);
        return { job: { id: `job of ${name}` } } as never;
      },
      async *stream({ path }) {
        await note(path.split('/').at(-1)!);
        yield* [];
      },
      async *download() {
        await note('download');
        yield* [];
      },
      upload: () => note('upload') as never,
      untilEnded: () => note('untilEnded') as never,
      close: () => void note('close'),
    };
  };

  test('get the calls that are theirs, and are asked again for the jobs that they made', async () => {
    const names: ServiceName[] = ['inference', 'collector', 'trainer-launcher'];
    const all = severalServices(new Map(names.map((name) => [name, clientOf(name)])));
    await all.call(CollectorServiceService.createCollection, { requestId: '', spec: undefined });
    await all.call(TrainerLauncherServiceService.listRecipes, {});
    await all.untilEnded('job of collector');
    await all.call(JobServiceService.getJob, { jobId: 'job of trainer-launcher' });
    for await (const _ of all.stream(JobServiceService.watchJob, { jobId: 'job of nobody' }));
    await all.call(InferenceServiceService.listSounds, {});
    await all.upload({ path: '', sha256: '', mediaType: '' });
    expect(heard).toEqual([
      'collector CreateCollection',
      'trainer-launcher ListRecipes',
      'collector untilEnded',
      'trainer-launcher GetJob',
      'inference WatchJob',
      'inference ListSounds',
      'inference upload',
    ]);
  });
});
