/** Service ports: numbers that stay with an app for the balancers' sake; 0 asks for one. */
import { ApiError } from '../api/api-error.ts';
import type { App, Unversioned } from './app-definition.ts';

/** Marathon's default range; the upper end is not used. */
const RANGE = { from: 10_000, to: 20_000 };

/** The service ports of an app in the order of their declaration. */
export function servicePortsOf(app: Unversioned | App): number[] {
  if (app.portDefinitions) return app.portDefinitions.map(({ port }) => port);
  return (app.container?.portMappings ?? []).map(({ servicePort }) => servicePort);
}

/** All service ports of some apps. */
export function takenServicePorts(apps: Iterable<App>): Set<number> {
  return new Set([...apps].flatMap(servicePortsOf));
}

/**
 * Replaces each 0 by the port that the app's previous definition had in that place, or else by the
 * first one that is not in `taken`, which grows by what the app has; throws 500 when the range is
 * used up.
 */
export function assignServicePorts(
  app: Unversioned,
  previous: App | undefined,
  taken: Set<number>,
): Unversioned {
  const asked = servicePortsOf(app);
  for (const port of asked) taken.add(port);
  if (!asked.includes(0)) return app;
  const own = new Set(asked);
  const before = previous ? servicePortsOf(previous) : [];
  const assigned = asked.map((port, index) => {
    if (port !== 0) return port;
    const kept = before[index] ?? 0;
    const choice = isAssignable(kept) && !own.has(kept) ? kept : firstFree(taken);
    own.add(choice);
    taken.add(choice);
    return choice;
  });
  return withServicePorts(app, assigned);
}

function isAssignable(port: number): boolean {
  return port >= RANGE.from && port < RANGE.to;
}

function firstFree(taken: Set<number>): number {
  for (let port = RANGE.from; port < RANGE.to; port++) if (!taken.has(port)) return port;
  throw new ApiError(500, `All ports in the range [${RANGE.from}-${RANGE.to}) are already in use`);
}

function withServicePorts(app: Unversioned, ports: number[]): Unversioned {
  if (app.portDefinitions) {
    const portDefinitions = app.portDefinitions.map((definition, index) => ({
      ...definition,
      port: ports[index] ?? 0,
    }));
    return { ...app, portDefinitions };
  }
  if (!app.container?.portMappings) return app;
  const portMappings = app.container.portMappings.map((mapping, index) => ({
    ...mapping,
    servicePort: ports[index] ?? 0,
  }));
  return { ...app, container: { ...app.container, portMappings } };
}
