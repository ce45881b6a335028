import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { checkChange, checkJob } from './check-job.js';
import { ALLOWED, PARAMETERS, type ApiFault, type ApiVerb } from './faults.js';
import { startJobController } from './job-controller.js';
import { startKubelet, type Kubelet } from './kubelet.js';
import type { KubeObject } from './object-types.js';
import { ApiStatus, createObjects, type ObjectEvent, type Objects, type Resource } from './objects.js';

/** An API server of Kubernetes on this machine, for tests: Jobs, pods and their logs, whose programs really run. */
export interface KubernetesApi {
  url: string;
  /** How a client reaches it, as a pod's own service account does. */
  config: KubeConfig;
  /** The same as a file's text. */
  kubeconfig: string;
  objects: Objects;
  kubelet: Kubelet;
  /** Asked for each request; undefined lets it pass. */
  plan: (request: ApiVerb) => ApiFault | undefined;
  /** All that it was asked. */
  requests: ApiVerb[];
  /** By the Eviction API, a preempting pod, a drained node: the pod is stopped and deleted. */
  evict(pod: string): void;
  /** Pods of a Job, those that are over too, in the order of their making. */
  podsOf(job: string): KubeObject[];
  close(): Promise<void>;
}

const NAMESPACE = 'soundstage';
const TOKEN = 'a-token-for-tests';
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:trainer-launcher`;
const BOOKMARK_EVERY_MS = 60_000;
const BODY_MAX = 3 * 2 ** 20;

export async function startKubernetesApi(): Promise<KubernetesApi> {
  const objects = createObjects();
  const controller = startJobController(objects);
  const kubelet = startKubelet(objects);

  async function serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const asked = understand(request);
    api.requests.push(asked);
    const fault = api.plan(asked);
    if (fault?.kind === 'cut') return void request.socket.destroy();
    if (fault?.kind === 'answer') {
      const { status, message = 'the server is having a bad day', retryAfterS } = fault;
      if (retryAfterS !== undefined) answer.setHeader('retry-after', String(retryAfterS));
      return sendStatus(answer, new ApiStatus(status, '', message));
    }
    authorize(request, asked);
    if (asked.verb === 'watch') return watch(asked, answer, fault);
    if (asked.resource === 'pods/log') return log(asked, answer, fault);
    const body = await text(request);
    if (body.length > BODY_MAX) throw new ApiStatus(413, 'RequestEntityTooLarge', 'Request entity too large');
    const done = act(asked, request, body === '' ? undefined : (JSON.parse(body) as KubeObject));
    if (fault?.kind === 'lose') return void request.socket.destroy();
    send(answer, asked.verb === 'create' ? 201 : 200, done);
  }

  function act(asked: ApiVerb, request: IncomingMessage, body: KubeObject | undefined): object {
    const resource = asked.resource as Resource;
    if (asked.verb === 'list') {
      const items = objects.all(resource).filter(selected(asked));
      return { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: String(objects.version) }, items };
    }
    if (asked.verb === 'create') {
      checkJob(body);
      const { metadata } = body!;
      return objects.create(resource, { ...body!, metadata: { ...metadata, namespace: asked.namespace }, status: {} });
    }
    const there = objects.find(resource, asked.namespace, asked.name!);
    if (!there) throw new ApiStatus(404, 'NotFound', `${resource} "${asked.name}" not found`);
    if (asked.verb === 'get') return there;
    if (asked.verb === 'patch') return patch(there, request, body!);
    const { preconditions, propagationPolicy } = (body ?? {}) as {
      preconditions?: { uid?: string };
      propagationPolicy?: string;
    };
    if (preconditions?.uid !== undefined && preconditions.uid !== there.metadata.uid) {
      throw new ApiStatus(
        409,
        'Conflict',
        `the UID in the precondition (${preconditions.uid}) does not match the UID in record`,
      );
    }
    if (propagationPolicy === 'Foreground')
      return objects.update(there, ({ metadata }) => void (metadata.deletionTimestamp = new Date().toISOString()))!;
    objects.remove(there);
    return { kind: 'Status', apiVersion: 'v1', status: 'Success' };
  }

  function patch(there: KubeObject, request: IncomingMessage, change: KubeObject): KubeObject {
    if (request.headers['content-type'] !== 'application/merge-patch+json') {
      throw new ApiStatus(415, 'UnsupportedMediaType', 'this server takes merge patches');
    }
    const wanted = change.metadata?.resourceVersion;
    if (wanted !== undefined && wanted !== there.metadata.resourceVersion) {
      throw new ApiStatus(
        409,
        'Conflict',
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    }
    const after = merged(there, change) as KubeObject;
    after.metadata.resourceVersion = there.metadata.resourceVersion;
    checkChange(there, after);
    return objects.update(there, (draft) => void Object.assign(draft, after))!;
  }

  function watch(asked: ApiVerb, answer: ServerResponse, fault: ApiFault | undefined): void {
    const isMeant = selected(asked);
    const resource = asked.resource as Resource;
    const past = objects.since(resource, Number(asked.query.get('resourceVersion') ?? objects.version));
    const sent = stream(answer, 'application/json', fault);
    const tell = (type: string, object: object) => sent.write(Buffer.from(`${JSON.stringify({ type, object })}\n`));
    const onChange = (event: ObjectEvent) => {
      if (event.resource !== resource || !isMeant(event.object)) return;
      tell(event.type, event.object);
      if (fault?.kind !== 'expire') return;
      tell('ERROR', {
        kind: 'Status',
        apiVersion: 'v1',
        code: 410,
        reason: 'Expired',
        message: 'too old resource version',
      });
      answer.end();
    };
    past.forEach(onChange);
    objects.events.on('change', onChange);
    const bookmark = setInterval(() => {
      tell('BOOKMARK', { kind: 'Job', metadata: { resourceVersion: String(objects.version) } });
    }, BOOKMARK_EVERY_MS);
    const limit = setTimeout(() => answer.end(), Number(asked.query.get('timeoutSeconds') ?? 1800) * 1000);
    answer.once('close', () => {
      objects.events.off('change', onChange);
      clearInterval(bookmark);
      clearTimeout(limit);
    });
  }

  async function log(asked: ApiVerb, answer: ServerResponse, fault: ApiFault | undefined): Promise<void> {
    const pod = objects.find('pods', asked.namespace, asked.name!);
    if (!pod) throw new ApiStatus(404, 'NotFound', `pods "${asked.name}" not found`);
    const container = asked.query.get('container');
    if (container !== pod.spec.containers[0]!.name)
      throw new ApiStatus(400, 'BadRequest', `container ${container} is not valid for pod ${asked.name}`);
    const wanted = asked.query.get('sinceTime');
    if (wanted !== null && !(Date.parse(wanted) > 0))
      throw new ApiStatus(400, 'BadRequest', `sinceTime: Invalid value: "${wanted}"`);
    // The API server hands whole seconds on to the kubelet.
    const since = wanted === null ? undefined : new Date(Math.floor(Date.parse(wanted) / 1000) * 1000);
    const content = kubelet.logOf(pod);
    const sent = stream(answer, 'text/plain', fault);
    const gone = new AbortController();
    answer.once('close', () => gone.abort());
    const options = {
      since,
      timestamps: asked.query.get('timestamps') === 'true',
      follow: asked.query.get('follow') === 'true',
    };
    for await (const chunk of content.read(options, gone.signal)) {
      if (answer.closed || answer.writableEnded) break;
      if (!sent.write(chunk)) await Promise.race([once(answer, 'drain'), once(answer, 'close')]);
    }
    sent.end();
  }

  const server = createServer((request, answer) => {
    serve(request, answer).catch((thrown: unknown) => {
      if (answer.headersSent) return void answer.destroy();
      sendStatus(answer, thrown instanceof ApiStatus ? thrown : new ApiStatus(500, 'InternalError', String(thrown)));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'test', server: url, skipTLSVerify: true }],
    users: [{ name: 'launcher', token: TOKEN }],
    contexts: [{ name: 'test', cluster: 'test', user: 'launcher', namespace: NAMESPACE }],
    currentContext: 'test',
  });

  const api: KubernetesApi = {
    url,
    config,
    kubeconfig: config.exportConfig(),
    objects,
    kubelet,
    plan: () => undefined,
    requests: [],
    evict(name) {
      const pod = objects.all('pods').find(({ metadata }) => metadata.name === name)!;
      const marked = objects.update(pod, ({ status }) => {
        status.conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
      })!;
      objects.update(marked, ({ metadata }) => void (metadata.deletionTimestamp = new Date().toISOString()));
    },
    podsOf: (job) =>
      objects.all('pods').filter(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === job),
    async close() {
      controller.close();
      await kubelet.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return api;
}

function understand({ url = '', method }: IncomingMessage): ApiVerb {
  const { pathname, searchParams: query } = new URL(url, 'http://api');
  const path = /^\/(?:apis\/batch\/v1|api\/v1)\/namespaces\/([^/]+)\/(jobs|pods)(?:\/([^/]+))?(\/log)?$/.exec(pathname);
  const [, namespace, kind, name, part = ''] = path ?? [];
  const isJob = pathname.startsWith('/apis/batch/v1/');
  if (!path || isJob !== (kind === 'jobs'))
    throw new ApiStatus(404, 'NotFound', 'the server could not find the requested resource');
  const reads = name !== undefined ? 'get' : query.has('watch') ? 'watch' : 'list';
  const verb = { GET: reads, POST: 'create', PATCH: 'patch', DELETE: 'delete' }[method!] as ApiVerb['verb'] | undefined;
  if (!verb) throw new ApiStatus(405, 'MethodNotAllowed', `the server does not allow ${method}`);
  for (const parameter of query.keys()) {
    if (!PARAMETERS[verb].includes(parameter))
      throw new ApiStatus(400, 'BadRequest', `no such parameter: ${parameter}`);
  }
  return { verb, resource: `${kind}${part}` as ApiVerb['resource'], namespace: namespace!, name, query };
}

function authorize({ headers }: IncomingMessage, { verb, resource, namespace }: ApiVerb): void {
  if (headers.authorization !== `Bearer ${TOKEN}`) throw new ApiStatus(401, 'Unauthorized', 'Unauthorized');
  if (namespace === NAMESPACE && ALLOWED[resource].includes(verb)) return;
  const group = resource === 'jobs' ? 'batch' : '';
  throw new ApiStatus(
    403,
    'Forbidden',
    `${resource} is forbidden: User "${ACCOUNT}" cannot ${verb} resource "${resource}" in API group "${group}" in the namespace "${namespace}"`,
  );
}

function selected({ namespace, query }: ApiVerb): (object: KubeObject) => boolean {
  const pairs = (text: string | null) =>
    text ? text.split(',').map((pair) => pair.split('=') as [string, string]) : [];
  const labels = pairs(query.get('labelSelector'));
  const fields = pairs(query.get('fieldSelector'));
  return ({ metadata }) =>
    metadata.namespace === namespace &&
    labels.every(([name, value]) => metadata.labels?.[name] === value) &&
    fields.every(([name, value]) => name === 'metadata.name' && metadata.name === value);
}

/** Sends an answer that goes on, with what befalls it. */
function stream(answer: ServerResponse, type: string, fault: ApiFault | undefined): AnswerStream {
  answer.writeHead(200, { 'content-type': type });
  answer.flushHeaders();
  let left = fault?.kind === 'end' || fault?.kind === 'break' ? fault.bytes : Infinity;
  const isOver = () => fault?.kind === 'stall' || left <= 0 || answer.writableEnded || answer.destroyed;
  return {
    write(chunk) {
      if (isOver()) return true;
      if (chunk.length < left) {
        left -= chunk.length;
        return answer.write(chunk);
      }
      const last = chunk.subarray(0, left);
      left = 0;
      // What was written is to arrive before the line breaks.
      if (fault?.kind === 'break') answer.write(last, () => setTimeout(() => answer.destroy(), 20));
      else answer.end(last);
      return true;
    },
    end() {
      if (!isOver()) answer.end();
    },
  };
}

interface AnswerStream {
  /** False when it is to wait for what was written. */
  write(chunk: Buffer): boolean;
  end(): void;
}

/** RFC 7386. */
function merged(before: unknown, change: unknown): unknown {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(change)) return change;
  const after = isObject(before) ? { ...(before as Record<string, unknown>) } : {};
  for (const [name, value] of Object.entries(change as object)) {
    if (value === null) delete after[name];
    else after[name] = merged(after[name], value);
  }
  return after;
}

function send(answer: ServerResponse, code: number, body: object): void {
  answer.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendStatus(answer: ServerResponse, { code, reason, message }: ApiStatus): void {
  send(answer, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
}
