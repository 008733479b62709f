/** What the engine says of itself, its leadership, its metrics, and the event stream. */
import type { Express, Request, RequestHandler } from 'express';
import { z } from 'zod';
import { parse } from '../apps/app-schema.ts';
import { metricsJson, prometheusText } from '../metrics/metrics-view.ts';
import { ApiError } from './api-error.ts';
import { infoOf } from './info.ts';
import { jsonOf, localAddressOf, texts } from './request.ts';
import { addRoute } from './route.ts';
import type { Api } from './server.ts';

const SILENT = 'silent';

export function addSystemRoutes(app: Express, api: Api): void {
  const { frameworkId, drains, metrics } = api;
  const info = (request: Request) => infoOf({ frameworkId, drains, ...localAddressOf(request) });
  addRoute(app, '/ping', { get: ping });
  addRoute(app, '/', { get: (_request, response) => response.redirect(302, '/ui/') });
  addRoute(app, '/v2/info', { get: (request, response) => response.json(info(request)) });
  addRoute(app, '/config', {
    get: (request, response) => response.json({ marathon: info(request).marathon_config }),
  });
  addRoute(app, '/v2/plugins', { get: (_request, response) => response.json({ plugins: [] }) });
  addRoute(app, '/metrics', {
    get: (_request, response) => response.json(metricsJson(metrics.read())),
  });
  addRoute(app, '/metrics/prometheus', {
    get: (_request, response) => {
      response.type('text/plain; version=0.0.4').send(prometheusText(metrics.read()));
    },
  });
  addLeaderRoutes(app, api);
  addLoggingRoutes(app, api);
  addRoute(app, '/v2/events', { get: events(api) });
  app.all(/^\/v2\/pods(\/|$)/, (_request, response) => {
    response.status(501).json({ message: 'This engine runs apps only, no pods.' });
  });
}

/** Text, JSON, or nothing, as the client wants it. */
const ping: RequestHandler = (request, response) => {
  const accepted = request.accepts(['text/plain', 'application/json']);
  if (accepted === 'application/json') response.json('pong');
  else if (accepted) response.type('text/plain').send('pong');
  else response.status(204).end();
};

function addLeaderRoutes(app: Express, { abdicate }: Api): void {
  addRoute(app, '/v2/leader', {
    get: (request, response) => response.json({ leader: localAddressOf(request).address }),
    delete: (request, response) => {
      for (const name of ['backup', 'restore']) {
        if (texts(request, name).length > 0) throw new ApiError(422, `No ${name} in this engine.`);
      }
      response.json({ message: 'Leadership abdicated' });
      abdicate();
    },
  });
}

/** The level of one log is all that there is: a logger's name is accepted and stands for it. */
function addLoggingRoutes(app: Express, { log }: Api): void {
  const adjustable = log as { level?: string };
  const levels = () => ({ ROOT: (adjustable.level ?? SILENT).toUpperCase() });
  const set: RequestHandler = (request, response) => {
    const change = parse(loggerChange, jsonOf(request));
    const before = adjustable.level;
    if (before !== undefined) adjustable.level = change.level === 'trace' ? 'debug' : change.level;
    if (before !== undefined && change.durationSeconds !== undefined) {
      const back = () => {
        adjustable.level = before;
      };
      setTimeout(back, change.durationSeconds * 1000).unref();
    }
    response.json(change);
  };
  addRoute(app, '/logging', {
    get: (_request, response) => response.json(levels()),
    post: set,
  });
}

/** A day is longer than anybody debugs. */
const loggerChange = z.object({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error']),
  logger: z.string().min(1),
  durationSeconds: z.int().min(0).max(86_400).optional(),
});

function events({ stream }: Api): RequestHandler {
  return (request, response) => {
    const wantsEvents = request.headers.accept?.includes('text/event-stream');
    if (!wantsEvents || request.method === 'HEAD') {
      response.status(405).json({ message: 'This stream needs Accept: text/event-stream' });
    } else if (stream.isFull) {
      response.status(503).json({ message: 'There are too many event streams.' });
    } else stream.attach(request, response, texts(request, 'event_type'));
  };
}
