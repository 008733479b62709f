/** The REST server: headers, bodies and errors as Marathon has them; the routes lie beside it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { addressOf, formatAddress, listenError } from '../../core/address.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Context } from '../context.ts';
import type { Launcher } from '../launch/launcher.ts';
import type { EngineMetrics } from '../metrics/metrics.ts';
import type { Control } from '../parts.ts';
import { ApiError } from './api-error.ts';
import { basicAuth, type Credentials } from './basic-auth.ts';
import type { EventStream } from './event-stream.ts';
import { localAddressOf } from './request.ts';
import { addAppRoutes } from './routes-apps.ts';
import { addDeploymentRoutes } from './routes-deployments.ts';
import { addGroupRoutes } from './routes-groups.ts';
import { addSystemRoutes } from './routes-system.ts';
import { addTaskRoutes } from './routes-tasks.ts';

/** What routes may use. */
export interface Api extends Context, Control {
  launcher: Launcher;
  stream: EventStream;
  metrics: EngineMetrics;
  /** Whom the engine lets in; everybody where there are none. */
  credentials: Credentials | undefined;
  /** Tells this engine from others. */
  frameworkId: string;
  /** Whether instances serve on for a while before they end. */
  drains: boolean;
  /** Ends this term of the engine soon, and begins the next one. */
  abdicate: () => void;
  /** Resolves when what a write changed is on disk. */
  flush: () => Promise<void>;
}

/** A group with a thousand apps is about 2 MB. */
const MAX_BODY = '16mb';

/** Longer than pools of clients keep a connection: a write that meets the end of it is lost to them. */
const KEEP_ALIVE_MS = 75_000;

/** Listens on `host:port`. */
export async function startServer(
  listen: string,
  api: Api,
): Promise<{ url: string; close(): Promise<void> }> {
  const { host, port: wanted } = addressOf(listen);
  const server = createServer(createApp(api));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    const program = process.execPath;
    server.once('error', (error) => {
      reject(listenError({ address: listen, setting: '--listen', program, error }));
    });
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
  app.use(api.metrics.countExchanges);
  if (api.credentials !== undefined) app.use(basicAuth(api.credentials));
  // Clients leave the content type out, so it says nothing of a body.
  app.use(express.text({ type: () => true, limit: MAX_BODY }));
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
  request.url = request.url.replace(/^[^?]*/, (path) => path.replace(/\/+/g, '/'));
  next();
};

const headers: RequestHandler = (request, response, next) => {
  response.set({
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Expires: '0',
    'X-Marathon-Leader': `http://${localAddressOf(request).address}`,
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
    } else if (typeof error?.status === 'number' && error.status < 500) {
      response.status(error.status).json({ message: messageOf(error) });
    } else {
      log.error({ path: request.path, error: messageOf(error) }, 'request failed');
      response.status(500).json({ message: messageOf(error) });
    }
  };
}
