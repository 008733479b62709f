/** What a balancer spreads requests over, and the port of one that does. */

/** An address of an app: a host name in lower case, and a path prefix without a slash at its end, or `/`. */
export interface Route {
  host: string;
  path: string;
}

/** One instance that takes requests. */
export interface Member {
  /** Marathon's task id. */
  instance: string;
  /** `host:port`; balancers are given an IP address as host. */
  address: string;
  /** Share among the members, a whole number; 0 takes no new requests. */
  weight: number;
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
