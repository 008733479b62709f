/** Asks new instances until they are ready; a deployment counts no instance that is not. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../apps/app-definition.ts';
import type { ReadinessCheck } from '../apps/check-definition.ts';
import type { Context } from '../context.ts';
import type { Instance } from '../state/cluster.ts';
import { targetOf } from './probe.ts';

/** As in `readinessCheckResults`. */
export interface Readiness {
  name: string;
  taskId: string;
  ready: boolean;
  lastResponse?: { status: number; contentType: string; body: string };
}

type ReadinessOptions = Pick<Context, 'cluster' | 'touch'>;

/** Until an instance is ready it is asked more and more slowly, up to the check's own interval. */
const FIRST_PAUSE_MS = 200;

const MAX_BODY_BYTES = 16 * 1024;

export function createReadinessMonitor(options: ReadinessOptions): ReadinessMonitor {
  return new ReadinessMonitor(options);
}

class ReadinessMonitor {
  readonly #options: ReadinessOptions;
  readonly #watched = new Map<string, AbortController>();

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  watch(instance: Instance, app: App): void {
    const check = app.readinessChecks?.[0];
    if (!check || instance.readiness?.ready || this.#watched.has(instance.id)) return;
    const controller = new AbortController();
    this.#watched.set(instance.id, controller);
    const { signal } = controller;
    // A rejection can only be the end of the pause by the signal.
    this.#follow({ instance, app, check, signal }).catch(() => undefined);
  }

  unwatch({ id }: Instance): void {
    this.#watched.get(id)?.abort();
    this.#watched.delete(id);
  }

  stop(): void {
    for (const controller of this.#watched.values()) controller.abort();
    this.#watched.clear();
  }

  async #follow({ instance, app, check, signal }: Watched): Promise<void> {
    const { cluster, touch } = this.#options;
    const interval = Math.max(check.intervalSeconds, 1) * 1000;
    for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, interval)) {
      const readiness = await ask({ instance, app, check });
      if (signal.aborted) return;
      instance.readiness = readiness;
      if (readiness.ready) {
        this.#watched.delete(instance.id);
        cluster.changed(app.id);
        touch(app.id);
        return;
      }
      await sleep(pause, undefined, { signal });
    }
  }
}

export type { ReadinessMonitor };

interface Question {
  instance: Instance;
  app: App;
  check: ReadinessCheck;
}

interface Watched extends Question {
  signal: AbortSignal;
}

async function ask({ instance, app, check }: Question): Promise<Readiness> {
  const ports = app.portDefinitions ?? app.container?.portMappings ?? [];
  const portIndex = ports.findIndex(({ name }) => name === check.portName);
  const target = targetOf(app, instance, { portIndex });
  // Marathon's schema wants the instance here, although the field says task.
  const about = { name: check.name, taskId: instance.id };
  // A path that no request can carry, such as one with a blank, is never answered.
  const response = target && (await get(target, check).catch(() => undefined));
  if (!response) return { ...about, ready: false };
  const ready = check.httpStatusCodesForReady.includes(response.status);
  return { ...about, ready, ...(check.preserveLastResponse ? { lastResponse: response } : {}) };
}

type Response = NonNullable<Readiness['lastResponse']>;

function get(
  { address, port }: { address: string; port: number },
  { protocol, path, timeoutSeconds }: ReadinessCheck,
): Promise<Response | undefined> {
  const open = protocol === 'HTTPS' ? httpsRequest : httpRequest;
  const secure = protocol === 'HTTPS' ? { rejectUnauthorized: false } : {};
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    const request = open({ host: address, port, path, agent: false, signal, ...secure });
    request.once('error', () => resolve(undefined));
    request.once('response', (response) => {
      read(response).then(resolve, () => resolve(undefined));
    });
    request.end();
  });
}

async function read(response: IncomingMessage): Promise<Response> {
  let body = '';
  for await (const chunk of response) {
    body += String(chunk);
    if (body.length > MAX_BODY_BYTES) break;
  }
  const status = response.statusCode ?? 0;
  return { status, contentType: response.headers['content-type'] ?? '', body };
}
