/** The REST server: headers, bodies and errors as Marathon has them; the routes lie beside it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { addressOf, formatAddress } from '../core/address.ts';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { ApiError } from './api-error.ts';
import type { Context } from './context.ts';
import type { EventStream } from './event-stream.ts';
import type { Launcher } from './launcher.ts';
import type { Control } from './parts.ts';
import { addAppRoutes } from './routes-apps.ts';
import { addDeploymentRoutes } from './routes-deployments.ts';
import { addGroupRoutes } from './routes-groups.ts';
import { addSystemRoutes } from './routes-system.ts';
import { addTaskRoutes } from './routes-tasks.ts';

/** What routes may use. */
export interface Api extends Context, Control {
  launcher: Launcher;
  stream: EventStream;
  /** Tells this engine from others. */
  frameworkId: string;
  /** Resolves when what a write changed is on disk. */
  flush: () => Promise<void>;
}

const MAX_BODY = '1mb';

/** Listens on `host:port`. */
export async function startServer(
  listen: string,
  api: Api,
): Promise<{ url: string; close(): Promise<void> }> {
  const { host, port: wanted } = addressOf(listen);
  const server = createServer(createApp(api));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://${formatAddress({ host, port })}`, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function createApp(api: Api): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(singleSlash);
  app.use(headers);
  // Clients leave the content type out, so every body is taken for JSON.
  app.use(express.json({ type: () => true, limit: MAX_BODY, strict: false }));
  addSystemRoutes(app, api);
  addTaskRoutes(app, api);
  addAppRoutes(app, api);
  addDeploymentRoutes(app, api);
  addGroupRoutes(app, api);
  app.use((request, response) => {
    response.status(404).json({ message: `URI not found: ${request.path}` });
  });
  app.use(errors(api.log));
  return app;
}

/** Clients that join an address and a path may double the slash between them. */
const singleSlash: RequestHandler = (request, _response, next) => {
  request.url = request.url.replace(/^\/+/, '/');
  next();
};

const headers: RequestHandler = (request, response, next) => {
  response.set({
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Expires: '0',
    'X-Marathon-Leader': `http://${request.headers.host ?? 'localhost'}`,
    'X-Frame-Options': 'DENY',
    'X-XSS-Protection': '1; mode=block',
  });
  next();
};

/** Express knows an error handler by its four parameters. */
function errors(log: Log): ErrorRequestHandler {
  return (error, request, response, _next) => {
    if (error instanceof ApiError) {
      response.status(error.status).json(error.body);
    } else if (error?.type === 'entity.parse.failed') {
      response.status(400).json({ message: 'Invalid JSON', details: messageOf(error) });
    } else if (typeof error?.status === 'number' && error.status < 500) {
      response.status(error.status).json({ message: messageOf(error) });
    } else {
      log.error({ path: request.path, error: messageOf(error) }, 'request failed');
      response.status(500).json({ message: messageOf(error) });
    }
  };
}
