/** Decides from Marathon's apps what the balancers spread requests over. */
import type { MarathonApp, MarathonTask } from '../clients/marathon.ts';
import { serviceAppOf, type Weights } from '../core/traffic.ts';
import { type Member, type Route, routesLabel, type Upstream } from '../core/upstream.ts';
import { keyOf, parseRoutes } from './routes.ts';
import { type KnownWeights, type WeighedApp, weigher } from './weights.ts';

export const installLabel = 'ekiden.install';

/** Why an app does not answer at an address that it claims. */
export interface RouteProblem {
  app: string;
  route: string;
  reason: string;
}

export interface UpstreamsOptions {
  /** Only apps labelled with this install are looked at. */
  install: string;
  /** What the balancer has now: who holds a route keeps it through his own deployments. */
  previous?: Upstream[];
  /** What is kept of weights, by service. */
  weights?: KnownWeights | undefined;
}

/** Equal states give equal values: upstreams by app, routes and members in order of their text. */
export function toUpstreams(
  apps: WeighedApp[],
  options: UpstreamsOptions,
): { upstreams: Upstream[]; problems: RouteProblem[] } {
  const previous = options.previous ?? [];
  const ours = apps.filter((app) => isOurs(app, options.install));
  const { routesByApp, problems } = assignRoutes(ours, previous);
  const before = new Map(
    previous.flatMap(({ members }) => members.map(({ instance, weight }) => [instance, weight])),
  );
  const services = new Map<string, WeighedApp[]>();
  for (const app of ours) {
    const service = serviceAppOf(app.id);
    services.set(service, [...(services.get(service) ?? []), app]);
  }
  const upstreams = [...services].map(([app, group]) => ({
    app,
    routes: (routesByApp.get(app) ?? []).sort(by(keyOf)),
    members: membersOf(group, before, options.weights?.get(app) ?? (options.weights && {})),
  }));
  const routed = upstreams.filter(({ routes }) => routes.length > 0);
  return { upstreams: routed.sort(by(({ app }) => app)), problems };
}

/** True for apps that this install made and that claim an address. */
function isOurs(app: MarathonApp, install: string): boolean {
  return app.labels[installLabel] === install && app.labels[routesLabel] !== undefined;
}

/** Each route goes to one service, whichever of its apps claims it: to who holds it, else to the older definition. */
function assignRoutes(apps: MarathonApp[], previous: Upstream[]) {
  const holders = new Map<string, string>();
  for (const { app, routes } of previous) {
    for (const route of routes) holders.set(keyOf(route), app);
  }
  const problems: RouteProblem[] = [];
  const claims = apps.sort(by(seniorityOf)).flatMap((app) => {
    const { routes, refused } = parseRoutes(app.labels[routesLabel] ?? '');
    for (const route of refused) {
      problems.push({ app: app.id, route, reason: 'is no host name with an optional path' });
    }
    return routes.map((route) => ({ app: serviceAppOf(app.id), route }));
  });
  const owners = new Map<string, string>();
  for (const { app, route } of claims) {
    if (holders.get(keyOf(route)) === app) owners.set(keyOf(route), app);
  }
  const routesByApp = new Map<string, Route[]>();
  for (const { app, route } of withoutTwins(claims)) {
    const owner = owners.get(keyOf(route)) ?? app;
    owners.set(keyOf(route), owner);
    if (owner === app) routesByApp.set(app, [...(routesByApp.get(app) ?? []), route]);
    else problems.push({ app, route: keyOf(route), reason: `belongs to ${owner}` });
  }
  return { routesByApp, problems };
}

/** Both apps of a service claim what it answers at, and so does the app in each data centre. */
function withoutTwins<T extends { app: string; route: Route }>(claims: T[]): T[] {
  return [
    ...new Map(claims.map((claim) => [`${claim.app} ${keyOf(claim.route)}`, claim])).values(),
  ];
}

function seniorityOf(app: MarathonApp): string {
  return `${app.versionInfo?.lastConfigChangeAt ?? app.version} ${app.id}`;
}

function membersOf(
  apps: WeighedApp[],
  before: ReadonlyMap<string, number>,
  kept: Weights | undefined,
): Member[] {
  const serving = apps.flatMap((app) => {
    const tasks = app.tasks.filter((task) => isServing(app, task, before));
    return tasks.length === 0 ? [] : [{ ...app, tasks }];
  });
  const weigh = weigher({ serving, kept, before });
  return serving
    .flatMap((app) =>
      app.tasks.flatMap((task) => {
        const address = addressOf(app, task);
        const weight = weigh(app, task);
        return address === undefined ? [] : [{ instance: task.id, address, weight }];
      }),
    )
    .sort(by(({ instance }) => instance));
}

/** Running and, where checks are declared, known to be healthy: unknown is not healthy. */
function isServing(
  app: MarathonApp,
  task: MarathonTask,
  served: ReadonlyMap<string, number>,
): boolean {
  const results = task.healthCheckResults;
  if (task.state !== 'TASK_RUNNING' || !results.every(({ alive }) => alive)) return false;
  if (isOfCurrentConfig(app, task)) return results.length >= app.healthChecks.length;
  // The checks of an older definition are not listed, so the new ones must not condemn its tasks.
  return results.length > 0 || app.healthChecks.length === 0 || served.has(task.id);
}

function isOfCurrentConfig(app: MarathonApp, task: MarathonTask): boolean {
  const changedAt = app.versionInfo?.lastConfigChangeAt ?? app.version;
  return task.version === undefined || task.version >= changedAt;
}

const hostName = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const ipv6 = /^[0-9a-fA-F:]+:[0-9a-fA-F:.]+$/;

function addressOf(app: MarathonApp, task: MarathonTask): string | undefined {
  const hostPort = task.ports[0];
  if (hostPort !== undefined) return join(task.host, hostPort);
  // On a network with an address for each container nothing is published on the host.
  const containerPort = app.container?.portMappings[0]?.containerPort;
  return join(task.ipAddresses[0]?.ipAddress, containerPort);
}

function join(host: string | undefined, port: number | undefined): string | undefined {
  if (host === undefined || port === undefined || port < 1 || port > 65_535) return undefined;
  if (ipv6.test(host)) return `[${host}]:${port}`;
  return hostName.test(host) ? `${host}:${port}` : undefined;
}

/** Orders by code units, which, unlike a locale's order, is the same on every machine. */
function by<T>(textOf: (item: T) => string) {
  return (a: T, b: T) => {
    const [left, right] = [textOf(a), textOf(b)];
    return left < right ? -1 : Number(left > right);
  };
}
