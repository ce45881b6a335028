import {
  ServerInterceptingCall,
  status,
  type Metadata,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js';
import type { Job } from '@soundstage/contracts';
import { toStatus } from '../grpc/status.js';
import type { ObjectStore } from '../ports/object-store.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createAudit, objectOf } from './audit.js';
import { createAuthenticator } from './authenticator.js';
import { demandScope, ON_BEHALF_OF, readOnBehalfOf, type Caller } from './caller.js';
import type { AuthSettings } from './config.js';
import { ruleOf } from './methods.js';
import { createRates } from './rates.js';
import { createUsage } from './usage.js';

/** A call as its handler knows it. */
export interface Call {
  method: string;
  caller: Caller | undefined;
  /** Address that it came from. */
  from: string;
  request?: unknown;
  startMs: number;
}

/** Stands before every method: who calls, may they, have they had too much; and writes down what they did. */
export interface Gate {
  /** For the server; none where callers needn't show who they are. */
  interceptors: ServerInterceptor[];
  /** Who made a call, by the metadata that its handler is given. */
  callerOf(metadata: Metadata): Caller | undefined;
  /** Before a handler's work. @throws QUOTA_EXCEEDED */
  begin(call: Call): Promise<void>;
  /** After it: counts what was made, and writes the audit line of what changes something. */
  end(call: Call, outcome: { response?: unknown; error?: unknown }): Promise<void>;
  /** A token for what runs in this process beside the services; undefined where nobody needs one. */
  innerToken: string | undefined;
}

export interface GateOptions {
  log: Logger;
  metrics: Metrics;
  store: ObjectStore;
  /** Undefined: everybody may do everything. */
  auth: AuthSettings | undefined;
}

/** @throws BAD_INPUT where the file of clients can't be read */
export function createGate({ log, metrics, store, auth }: GateOptions): Gate {
  const authenticator = auth && createAuthenticator(auth, log);
  const audit = createAudit(log, { always: auth !== undefined });
  const usage = createUsage(store);
  const rates = createRates();
  const callers = new WeakMap<Metadata, Caller>();

  async function identify(metadata: Metadata, from: string): Promise<Caller> {
    const caller = await authenticator!.authenticate(text(metadata, 'authorization'), hostOf(from));
    const onBehalfOf = text(metadata, ON_BEHALF_OF);
    return onBehalfOf === undefined ? caller : authenticator!.standIn(caller, onBehalfOf);
  }

  const guard: ServerInterceptor = ({ path }, call) => {
    // Whether a server is well may be asked by everybody: by the kubelet above all.
    if (path.startsWith('/grpc.health.v1.Health/')) return new ServerInterceptingCall(call);
    const method = path.slice(path.lastIndexOf('/') + 1);
    let gone = false;
    let leave = () => undefined as void;
    let caller: Caller | undefined;
    const refuse = (error: unknown, from: string) => {
      const answer = toStatus(error);
      metrics.callSeconds.observe({ method, code: status[answer.code ?? status.UNKNOWN] ?? 'UNKNOWN' }, 0);
      log.debug({ method, from, reason: answer.details }, 'call refused');
      if (ruleOf(method).changes) audit({ caller, from, what: method, error });
      if (!gone) call.sendStatus(answer as StatusObject);
    };
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, goOn) {
            const from = call.getPeer();
            void identify(metadata, from)
              .then((known) => {
                if (gone) return;
                caller = known;
                demandScope(caller, ruleOf(method).scope, method);
                leave = rates.enter(caller);
                callers.set(metadata, caller);
                // Nobody behind here has a use for it.
                metadata.remove('authorization');
                goOn(metadata);
              })
              .catch((error: unknown) => refuse(error, from));
          },
          onReceiveMessage: (message, goOn) => goOn(message),
          onReceiveHalfClose: (goOn) => goOn(),
          onCancel() {
            gone = true;
            leave();
          },
        });
      },
      sendStatus(answer, next) {
        leave();
        next(answer);
      },
    });
  };

  return {
    interceptors: authenticator ? [guard] : [],
    innerToken: authenticator?.innerToken,

    callerOf(metadata) {
      if (authenticator) return callers.get(metadata);
      // Whoever reaches a server that asks nobody could do as much under any name: it is for the audit log alone.
      const stated = readOnBehalfOf(text(metadata, ON_BEHALF_OF) ?? '');
      return stated && { ...stated, quotas: {} };
    },

    async begin({ method, caller, request }) {
      const { counts } = ruleOf(method);
      if (caller && counts) await usage.check(caller, counts, counts === 'jobs' ? 1 : sizeOf(request));
    },

    async end({ method, caller, from, request, startMs }, { response, error }) {
      const { changes, counts } = ruleOf(method);
      if (changes) audit({ caller, from, what: method, object: objectOf(response, request), error });
      if (!caller || !counts || error !== undefined) return;
      const amount = counts === 'jobs' ? newJobs(response, startMs) : newBytes(response);
      if (amount === 0) return;
      await usage
        .count(caller, counts, amount)
        .catch((failure: unknown) => log.error({ err: failure, who: caller.name }, 'a quota could not be counted'));
    },
  };
}

function text(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === 'string' ? value : undefined;
}

/** `10.0.0.7:51724` or `[::1]:51724`, without the port, which is another one each time. */
export const hostOf = (peer: string) => peer.replace(/:\d+$/, '');

const sizeOf = (request: unknown) => Number((request as { sizeBytes?: bigint } | undefined)?.sizeBytes ?? 0n);

/** A request that is repeated gives the job that it gave before: it counts once. */
function newJobs(response: unknown, startMs: number): number {
  const { job, run } = response as { job?: Job; run?: { job?: Job } };
  const made = (job ?? run?.job)?.createTime;
  return made && made.getTime() >= startMs ? 1 : 0;
}

function newBytes(response: unknown): number {
  const { upload } = response as { upload?: { object?: unknown; committedBytes: bigint; sizeBytes: bigint } };
  return upload && !upload.object && upload.committedBytes === 0n ? Number(upload.sizeBytes) : 0;
}
