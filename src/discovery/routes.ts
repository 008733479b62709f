/** Reads the label in which an app claims its addresses; what it lets through is safe in nginx text. */
import type { Route } from '../core/upstream.ts';

export const routesLabel = 'ekiden.routes';

const hostLabel = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const host = new RegExp(`^(?=.{1,253}$)${hostLabel}(?:\\.${hostLabel})*$`);
const path = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/;
const longestPath = 1024;

/** Splits `host[/path],…` into routes and the pieces that are none. */
export function parseRoutes(label: string): { routes: Route[]; refused: string[] } {
  const routes = new Map<string, Route>();
  const refused: string[] = [];
  for (const piece of label.split(',')) {
    const text = piece.trim();
    if (text === '') continue;
    const route = parseRoute(text);
    if (route === undefined) refused.push(text.slice(0, 200));
    else routes.set(keyOf(route), route);
  }
  return { routes: [...routes.values()], refused };
}

/** One string for one route, as it is written in the label. */
export function keyOf({ host, path }: Route): string {
  return `${host}${path}`;
}

function parseRoute(text: string): Route | undefined {
  const slash = text.indexOf('/');
  const name = (slash < 0 ? text : text.slice(0, slash)).toLowerCase();
  const prefix = slash < 0 ? '' : text.slice(slash).replace(/\/$/, '');
  if (!host.test(name)) return undefined;
  if (prefix === '') return { host: name, path: '/' };
  if (prefix.length > longestPath || !path.test(prefix)) return undefined;
  return { host: name, path: prefix };
}
