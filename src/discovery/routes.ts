/** Reads the label in which an app claims its addresses; what it lets through is safe in nginx text. */
import { parseRoute, type Route } from '../core/upstream.ts';

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
