/** What a balancer spreads requests over, and the port of one that does. */

/** An address of an app: a host name in lower case, and a path prefix without a slash at its end, or `/`. */
export interface Route {
  host: string;
  path: string;
}

/** Label of an app that holds its routes, as `host[/path],…`. */
export const routesLabel = 'ekiden.routes';

const hostLabel = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const pathSegment = '\\/(?!\\.{1,2}(?:\\/|$))[A-Za-z0-9._~-]+';

/** `host` or `host/path`, the host in lower case; safe as text of nginx, a URL and a label. */
export const routePattern = new RegExp(
  `^(?=[^/]{1,253}(?:\\/|$))${hostLabel}(?:\\.${hostLabel})*(?=.{0,1024}$)(?:${pathSegment})*\\/?$`,
);

/**
 * Reads `host` or `host/path`; undefined where it is none, or where a browser would read the host
 * as another one: a last label of digits is a number (WHATWG URL), `xn--` begins Punycode (RFC 5891).
 */
export function parseRoute(text: string): Route | undefined {
  const slash = text.indexOf('/');
  const host = (slash < 0 ? text : text.slice(0, slash)).toLowerCase();
  const path = slash < 0 ? '' : text.slice(slash);
  if (!routePattern.test(`${host}${path}`)) return undefined;
  if (!URL.canParse(`http://${host}`) || new URL(`http://${host}`).hostname !== host)
    return undefined;
  return { host, path: path.replace(/\/$/, '') || '/' };
}

/** One instance that takes requests. */
export interface Member {
  /** Marathon's task id. */
  instance: string;
  /** `host:port`; balancers are given an IP address as host. */
  address: string;
  /** Share among the members, 1 where all are alike, or a fraction of that; 0 takes no new requests. */
  weight: number;
  /** Where it runs; absent where there is one data centre only. */
  dataCentre?: string;
}

/** An app with the addresses it answers at and the instances that answer there. */
export interface Upstream {
  /** Marathon's app id, such as `/shop/production/web`. */
  app: string;
  routes: Route[];
  /** Without any, the balancer answers 503 with a page that says why. */
  members: Member[];
}

/** Spreads requests over upstreams. */
export interface Balancer {
  /** Resolves once every new request is answered as `upstreams` say; rejects and keeps the old else. */
  apply(upstreams: Upstream[]): Promise<void>;
  /** What was applied last, also by an earlier process; empty when nothing was. */
  current(): Promise<Upstream[]>;
}
