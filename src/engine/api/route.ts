/** Puts the methods of one address together; all others are answered as Jersey answers them. */
import type { Express, RequestHandler } from 'express';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** An address takes the requests of all its methods: none is left for routes that come after it. */
export function addRoute(
  app: Express,
  path: string | RegExp,
  handlers: Partial<Record<Method, RequestHandler>>,
): void {
  const route = app.route(path);
  const methods = Object.keys(handlers) as Method[];
  for (const method of methods) {
    const handler = handlers[method];
    if (handler) route[method](handler);
  }
  const names = methods.map((method) => method.toUpperCase());
  route.all(others(['OPTIONS', ...names, ...(names.includes('GET') ? ['HEAD'] : [])].join(',')));
}

function others(allow: string): RequestHandler {
  return (request, response) => {
    response.set('Allow', allow);
    if (request.method === 'OPTIONS') response.status(200).end();
    else response.status(405).json({ message: 'Method Not Allowed' });
  };
}
