import { Client, Metadata, type MethodDefinition } from '@grpc/grpc-js';
import {
  JobServiceService,
  JobState,
  TransferServiceService,
  type Job,
  type ObjectRef,
  type Upload,
  type WriteUploadRequest,
  type WriteUploadResponse,
} from '@soundstage/contracts';
import { channelTo, type ClientSecurity } from '../auth/channel.js';
import { fromServiceError } from '../grpc/status.js';
import { hasEnded } from '../work/job-store.js';

export interface CallOptions {
  deadlineMs?: number;
  signal?: AbortSignal;
}

export interface TestClient {
  /** @throws SoundstageError, made of the rich status that came over the wire */
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
  /** The responses of a server stream, all of them. */
  collect<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response[]>;
  upload(content: Uint8Array, mediaType?: string): Promise<ObjectRef>;
  download(key: string): Promise<Buffer>;
  getJob(jobId: string): Promise<Job>;
  cancelJob(jobId: string): Promise<Job>;
  /** The job when `wanted` first holds. @throws Error when it ends before, or after `limitMs` */
  waitFor(jobId: string, wanted: (job: Job) => boolean, limitMs?: number): Promise<Job>;
  /** The job as it ended. */
  untilEnded(jobId: string, limitMs?: number): Promise<Job>;
  /** The result of a job that must succeed. @throws Error that tells how it ended */
  resultOf<Case extends NonNullable<Job['result']>['$case']>(
    jobId: string,
    kind: Case,
  ): Promise<Extract<NonNullable<Job['result']>, { $case: Case }>['value']>;
  close(): void;
}

const CHUNK_BYTES = 512 * 1024;

/** A plain client of every service at one address. */
export function createTestClient(address: string, security: ClientSecurity = {}): TestClient {
  const { credentials, options } = channelTo(address, security);
  const client = new Client(address, credentials, options);
  const deadline = ({ deadlineMs }: CallOptions) =>
    deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };

  const test: TestClient = {
    call: (method, request, options = {}) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = method;
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          new Metadata(),
          deadline(options),
          (error, response) => (error ? reject(fromServiceError(error)) : resolve(response!)),
        );
        options.signal?.addEventListener('abort', () => call.cancel(), { once: true });
      }),

    collect: (method, request, options = {}) =>
      new Promise((resolve, reject) => {
        const responses: unknown[] = [];
        const { path, requestSerialize, responseDeserialize } = method;
        const stream = client.makeServerStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          new Metadata(),
          deadline(options),
        );
        options.signal?.addEventListener('abort', () => stream.cancel(), { once: true });
        stream.on('data', (response) => responses.push(response));
        stream.on('error', (error) => reject(fromServiceError(error as never)));
        stream.on('end', () => resolve(responses as never));
      }),

    async upload(content, mediaType = 'application/octet-stream') {
      const { upload } = await test.call(TransferServiceService.createUpload, {
        requestId: '',
        fileName: 'test',
        sizeBytes: BigInt(content.length),
        mediaType,
        sha256: '',
        signed: false,
      });
      const finished = await sendChunks(client, upload?.id ?? '', content);
      return finished.object!;
    },

    async download(key) {
      const chunks = await test.collect(TransferServiceService.download, { key, offsetBytes: 0n });
      return Buffer.concat(chunks.map(({ data }) => data));
    },

    getJob: async (jobId) => (await test.call(JobServiceService.getJob, { jobId })).job!,
    cancelJob: async (jobId) => (await test.call(JobServiceService.cancelJob, { jobId })).job!,

    async waitFor(jobId, wanted, limitMs = 30_000) {
      for (const endMs = Date.now() + limitMs; ;) {
        const job = await test.getJob(jobId);
        if (wanted(job)) return job;
        if (hasEnded(job) || Date.now() > endMs) throw new Error(`job ${jobId}: ${describe(job)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },

    untilEnded: (jobId, limitMs) => test.waitFor(jobId, hasEnded, limitMs),

    async resultOf(jobId, kind) {
      const job = await test.untilEnded(jobId, 60_000);
      if (job.result?.$case !== kind) throw new Error(`job ${jobId}: ${describe(job)}`);
      return job.result.value as never;
    },

    close: () => client.close(),
  };
  return test;
}

const describe = (job: Job) => `${JobState[job.state]} ${job.error?.reason ?? ''} ${job.error?.message ?? ''}`;

function sendChunks(client: Client, uploadId: string, content: Uint8Array): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = TransferServiceService.writeUpload;
    const stream = client.makeClientStreamRequest<WriteUploadRequest, WriteUploadResponse>(
      path,
      requestSerialize,
      responseDeserialize,
      (error, response) => (error ? reject(fromServiceError(error)) : resolve(response!.upload!)),
    );
    for (let at = 0; at < content.length; at += CHUNK_BYTES) {
      stream.write({ uploadId, offsetBytes: BigInt(at), data: Buffer.from(content.subarray(at, at + CHUNK_BYTES)) });
    }
    stream.end();
  });
}
