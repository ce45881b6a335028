/** A request as the API server understands it. */
export interface ApiVerb {
  verb: 'create' | 'get' | 'list' | 'watch' | 'patch' | 'delete';
  resource: 'jobs' | 'pods' | 'pods/log';
  namespace: string;
  name: string | undefined;
  query: URLSearchParams;
}

/** What befalls one request. */
export type ApiFault =
  /** An answer in place of the server's. */
  | { kind: 'answer'; status: number; message?: string; retryAfterS?: number }
  /** The line breaks before the server hears of it. */
  | { kind: 'cut' }
  /** The server does as it was told, and the line breaks before its answer comes. */
  | { kind: 'lose' }
  /** A watch or log that is open and says nothing, for ever. */
  | { kind: 'stall' }
  /** A watch or log ends after so many bytes, as if there was no more. */
  | { kind: 'end'; bytes: number }
  /** A watch or log breaks off after so many bytes. */
  | { kind: 'break'; bytes: number }
  /** A watch says 410 after its first event, in an event of its own. */
  | { kind: 'expire' };

/** What the Role in docs/kubernetes-runs.md allows. */
export const ALLOWED: Record<ApiVerb['resource'], readonly ApiVerb['verb'][]> = {
  jobs: ['create', 'get', 'list', 'watch', 'delete', 'patch'],
  pods: ['get', 'list', 'watch'],
  'pods/log': ['get'],
};

/** Query parameters that there are: one that isn't known would be ignored in silence by a real server. */
export const PARAMETERS: Record<ApiVerb['verb'], readonly string[]> = {
  create: ['fieldValidation'],
  get: ['container', 'follow', 'timestamps', 'sinceTime'],
  list: ['labelSelector', 'fieldSelector'],
  watch: ['labelSelector', 'fieldSelector', 'watch', 'resourceVersion', 'allowWatchBookmarks', 'timeoutSeconds'],
  patch: [],
  delete: [],
};
