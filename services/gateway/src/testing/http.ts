import type { JobJson, Problem } from '../api-types.js';

export interface ServerEvent {
  event: string;
  id: string;
  data: unknown;
}

/** Posts a form. Fields come before the file. */
export function postForm(
  url: string,
  fields: Record<string, string>,
  file?: { content: Uint8Array<ArrayBuffer>; name: string; type?: string },
  headers: Record<string, string> = {},
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (file) form.set('file', new Blob([file.content], { type: file.type ?? 'video/mp4' }), file.name);
  return fetch(`${url}/v1/jobs`, { method: 'POST', body: form, headers });
}

export async function readJob(response: Response): Promise<JobJson> {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as JobJson;
}

export async function readProblem(response: Response): Promise<Problem> {
  const type = response.headers.get('content-type');
  if (type !== 'application/problem+json') throw new Error(`not a problem but ${type}: ${await response.text()}`);
  return (await response.json()) as Problem;
}

/** The events of a stream, in order, and its comments as events named `:`. */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const value = (name: string) =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      if (lines[0]?.startsWith(':')) yield { event: ':', id: '', data: lines[0] };
      else if (value('data'))
        yield { event: value('event') ?? '', id: value('id') ?? '', data: JSON.parse(value('data')!) };
    }
  }
}

/** Follows a job to its end. */
export async function untilEnded(url: string, jobId: string): Promise<JobJson[]> {
  const response = await fetch(`${url}/v1/jobs/${jobId}/events`);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const jobs: JobJson[] = [];
  for await (const { event, data } of readEvents(response)) {
    if (event === 'problem') throw new Error(JSON.stringify(data));
    if (event === 'job') jobs.push(data as JobJson);
  }
  return jobs;
}
