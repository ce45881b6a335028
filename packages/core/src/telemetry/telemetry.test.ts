import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Queue } from '../ports/queue.js';
import { createMetrics } from './metrics.js';
import { activeTraceId, extractTrace, flushTracing, injectTrace, inSpan, startTracing } from './trace.js';

interface OtlpBody {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeSpans: { spans: { name: string; traceId: string; parentSpanId?: string; status: { code?: number } }[] }[];
  }[];
}

let collector: Server;
const received: { path: string | undefined; body: OtlpBody }[] = [];

beforeAll(async () => {
  collector = createServer((request, response) => {
    void json(request).then((body) => {
      received.push({ path: request.url, body: body as OtlpBody });
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  startTracing({ service: 'tested', otlpEndpoint: `http://127.0.0.1:${port}/` });
});

afterAll(() => {
  collector.close();
});

describe('tracing', () => {
  test('sends spans over OTLP/HTTP, with what failed marked', async () => {
    await expect(inSpan('outer', {}, () => inSpan('inner', {}, () => Promise.reject(new Error('no'))))).rejects.toThrow(
      'no',
    );
    await flushTracing();
    expect(received.map(({ path }) => path)).toEqual(['/v1/traces']);
    const [{ resource, scopeSpans }] = received[0]!.body.resourceSpans as [OtlpBody['resourceSpans'][0]];
    expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'tested' } });
    const spans = scopeSpans.flatMap(({ spans: some }) => some);
    expect(spans.map(({ name }) => name).sort()).toEqual(['inner', 'outer']);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    for (const { status } of spans) expect(status.code).toBe(2);
  });

  test('goes on across a queue or a call: what is carried is a W3C traceparent', async () => {
    let carrier = {};
    let traceId = '';
    await inSpan('sender', {}, async () => {
      carrier = injectTrace();
      traceId = activeTraceId();
    });
    expect(carrier).toEqual({ traceparent: expect.stringMatching(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`)) });
    await inSpan('receiver', { parent: extractTrace(carrier) }, async () => expect(activeTraceId()).toBe(traceId));
    await inSpan('stranger', { parent: extractTrace({}) }, async () => expect(activeTraceId()).not.toBe(traceId));
  });
});

describe('the log', () => {
  test('is one JSON object a line on stderr, with the trace that it belongs to', () => {
    const { stderr, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', logInSpan], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    const line = JSON.parse(stderr) as Record<string, unknown>;
    expect(line).toMatchObject({ service: 'tested', level: 'info', job: 'f1', msg: 'hello' });
    expect(line.trace_id).toMatch(/^[0-9a-f]{32}$/);
  });
});

const core = new URL('../index.js', import.meta.url).href;
const logInSpan = `
  import { createLogger, inSpan, startTracing } from '${core}';
  startTracing({ service: 'tested' });
  await inSpan('work', {}, async () => createLogger({ service: 'tested' }).info({ job: 'f1' }, 'hello'));
`;

describe('metrics', () => {
  test('tell how long a queue is and how old its oldest message, and outlive a queue that is gone', async () => {
    const metrics = createMetrics();
    const stats = { ready: 3, delayed: 1, leased: 2, dead: 4, oldestReadyAgeS: 7.5 };
    metrics.watchQueue({ stats: () => Promise.resolve(stats) } as unknown as Queue, 'foley');
    metrics.watchQueue({ stats: () => Promise.reject(new Error('gone')) } as unknown as Queue, 'split');
    metrics.stepSeconds.observe({ kind: 'foley', step: 'look' }, 0.2);
    metrics.workTotal.inc({ kind: 'foley', outcome: 'done' });
    const text = await metrics.registry.metrics();
    expect(text).toContain('soundstage_queue_messages{topic="foley",state="ready"} 3');
    expect(text).toContain('soundstage_queue_messages{topic="foley",state="dead"} 4');
    expect(text).toContain('soundstage_queue_oldest_age_seconds{topic="foley"} 7.5');
    expect(text).toContain('soundstage_step_seconds_count{kind="foley",step="look"} 1');
    expect(text).toContain('soundstage_work_total{kind="foley",outcome="done"} 1');
    expect(text).not.toContain('topic="split"');
  });
});
