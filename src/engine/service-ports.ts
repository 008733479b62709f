/** Service ports: numbers that stay with an app for the balancers' sake; 0 asks for one. */
import { ApiError } from './api-error.ts';
import type { App, Unversioned } from './app-definition.ts';

/** Marathon's default range; the upper end is not used. */
const RANGE = { from: 10_000, to: 20_000 };

/** The service ports of an app in the order of their declaration. */
export function servicePortsOf(app: Unversioned | App): number[] {
  if (app.portDefinitions) return app.portDefinitions.map(({ port }) => port);
  return (app.container?.portMappings ?? []).map(({ servicePort }) => servicePort);
}

/**
 * Replaces each 0 by the port that the app's previous definition had in that place, or else by the
 * first free one, unique over all apps; throws 500 when the range is used up.
 */
export function assignServicePorts(
  app: Unversioned,
  previous: App | undefined,
  others: Iterable<App>,
): Unversioned {
  const asked = servicePortsOf(app);
  if (!asked.includes(0)) return app;
  const taken = new Set([...asked, ...[...others].flatMap(servicePortsOf)]);
  const before = previous ? servicePortsOf(previous) : [];
  const assigned = asked.map((port, index) => {
    if (port !== 0) return port;
    const kept = before[index];
    const choice = kept !== undefined && kept !== 0 && !taken.has(kept) ? kept : firstFree(taken);
    taken.add(choice);
    return choice;
  });
  return withServicePorts(app, assigned);
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
