/** The HTTP server: hooks on node:http, sockets on ws, everything else through Express. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { messageOf } from '../core/errors.ts';
import type { Decision, Delivery } from '../core/hook.ts';
import type { Ekiden } from '../ekiden.ts';
import { sendProblem } from './answer.ts';
import { endpoints } from './api/index.ts';
import { createRouter } from './api/router.ts';
import { basePathOf, pathOf, stripBase } from './base-path.ts';
import { createDocs } from './docs.ts';
import { createHealth } from './health.ts';
import { toKnownError } from './known-error.ts';
import { createLimits, type Limits } from './limits.ts';
import { listen } from './listening.ts';
import { createHttpMetrics, type HttpMetrics } from './metrics.ts';
import { createSocketLimits } from './socket-limits.ts';
import { serveSockets } from './sockets.ts';
import { createPageHeaders } from './ui/headers.ts';
import { createUi } from './ui/index.ts';
import { createWebhook } from './webhook.ts';

export interface ServerOptions {
  ekiden: Ekiden;
  /** What GitLab sends as X-Gitlab-Token. */
  hookSecret: string;
  /** Decides about a delivery; the hooks are given from outside, since src knows none. */
  onDelivery: (payload: unknown, delivery: Delivery) => Promise<Decision>;
}

export interface HttpServer {
  /** Port that it really listens on. */
  port: number;
  /** Takes no new connection, and resolves when the last answer is out, after five seconds at most. */
  stop(): Promise<void>;
}

const hookPath = '/hooks/gitlab';

/** Express' own dispatch costs more than all the rest of a hook, so hooks never reach it. */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const { ekiden, hookSecret } = options;
  const { config, log } = ekiden;
  const base = basePathOf(config.url);
  const metrics = createHttpMetrics(ekiden);
  const webhook = createWebhook({
    secret: hookSecret,
    signingToken: config.signingToken,
    handle: async (payload, delivery) =>
      metrics.noteHook(await options.onDelivery(payload, delivery)),
    log,
  });
  const limits = createLimits(ekiden.rateLimits);
  const app = createApp({ ekiden, metrics, limits });
  const isHook = (request: IncomingMessage) => pathOf(request).replace(/\/$/, '') === hookPath;
  const server = createServer((request, response) => {
    stripBase(request, base);
    if (isHook(request)) void webhook(request, response);
    else app(request, response);
  });
  server.on('checkContinue', (request, response) => {
    stripBase(request, base);
    if (isHook(request)) return void webhook(request, response);
    response.writeContinue();
    app(request, response);
  });
  const sockets = serveSockets(server, {
    ...{ ekiden, base },
    limits: createSocketLimits(limits, config.proxies),
  });
  const listener = await listen(server, {
    address: config.listen,
    setting: 'EKIDEN_LISTEN',
  });
  return {
    port: listener.port,
    async stop() {
      await Promise.all([listener.stop(), sockets.stop()]);
    },
  };
}

interface AppOptions {
  ekiden: Ekiden;
  metrics: HttpMetrics;
  limits: Limits;
}

function createApp({ ekiden, metrics, limits }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  // What is not to be kept needs no mark by which it would be known again.
  app.disable('etag');
  app.set('trust proxy', ekiden.config.proxies);
  app.use(metrics.measure);
  app.use(createHealth(ekiden, metrics));
  app.use(createPageHeaders(ekiden.config.url));
  app.use('/api/v1', createDocs(ekiden));
  app.use('/api/v1', createRouter({ ekiden, endpoints, limits }));
  app.use(createUi({ ekiden, limits }));
  const onError: ErrorRequestHandler = (error, request, response: ServerResponse, _next) => {
    // Whoever waited too long was told, and what comes now is for nobody.
    if (response.writableEnded) return;
    const known = toKnownError(error);
    if (!known) ekiden.log.error({ path: pathOf(request), error: messageOf(error) }, 'no answer');
    if (response.headersSent) response.destroy();
    else sendProblem(response, known ?? error);
  };
  app.use(onError);
  return app;
}
