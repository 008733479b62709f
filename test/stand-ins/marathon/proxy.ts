/** Stands before a Marathon and does to requests what networks, elections and overload do. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What becomes of a request. `answer`: this, and Marathon hears nothing of it. `refused`: the connection
 * is reset before Marathon heard of it. `lost`: Marathon takes it, and then the connection is reset.
 * `hung`: Marathon takes it, and its answer never comes. `cut`: Marathon takes it, and half of its answer
 * comes as if that were all. `silent`: a stream that is open and says nothing.
 */
export type Fault =
  | { kind: 'answer'; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: 'refused' | 'lost' | 'hung' | 'cut' | 'silent' };

export interface MarathonProxy {
  url: string;
  /** Requests that change something, as `PUT /v2/apps/a/b?force=true`, oldest first. */
  writes: string[];
  /** All requests with their credentials, oldest first. */
  seen: { line: string; authorization: string | undefined }[];
  /** Does this to the next requests that fit, by default to one; answers how many it met so far. */
  fail(fits: RegExp, fault: Fault, times?: number): () => number;
  /** From now on nothing fails that was not asked for anew. */
  heal(): void;
  /**
   * Keeps back the answer to the next request that fits, after so many that are let through, until it is
   * let go; whoever waits for it has to be killed. It is taken once Marathon has answered.
   */
  hold(fits: RegExp, after?: number): { isTaken(): boolean; letGo(): void };
  stop(): Promise<void>;
}

interface Hold {
  fits: RegExp;
  /** How many requests that fit go through before. */
  after: number;
  take: () => void;
  released: Promise<void>;
}

interface Planned {
  fits: RegExp;
  fault: Fault;
  left: number;
  met: number;
}

/** Starts it before `target`, an http URL. */
export async function startMarathonProxy(target: string): Promise<MarathonProxy> {
  const writes: string[] = [];
  const seen: MarathonProxy['seen'] = [];
  const holds: Hold[] = [];
  const planned: Planned[] = [];

  function serve(incoming: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = incoming;
    const line = `${method} ${url}`;
    seen.push({ line, authorization: headers.authorization });
    if (method !== 'GET') writes.push(line);
    const fault = faultOf(planned, line);
    if (fault && isBefore(fault)) {
      meet(fault, incoming, response);
      return;
    }
    const held = takeFirst(holds, line);
    const { host, hostname, port } = new URL(target);
    const outgoing = request({
      ...{ hostname, port, method, path: url },
      headers: { ...headers, host },
    });
    outgoing.on('response', async (answer) => {
      held?.take();
      await held?.released;
      if (fault?.kind === 'lost') response.destroy();
      if (fault?.kind === 'cut') response.writeHead(200).end('{"version":"20');
      if (fault) {
        answer.resume();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    // Marathon is away: so is what stands for it.
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  const server = createServer(serve);
  // A test that is busy for five seconds would lose its next request else.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes,
    seen,
    fail(fits, fault, times = 1) {
      const plan = { fits, fault, left: times, met: 0 };
      planned.push(plan);
      return () => plan.met;
    },
    heal: () => void planned.splice(0),
    hold: (fits, after = 0) => addHold(holds, { fits, after }),
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function addHold(holds: Hold[], { fits, after }: Pick<Hold, 'fits' | 'after'>) {
  let isTaken = false;
  let letGo = () => {};
  const take = () => {
    isTaken = true;
  };
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  holds.push({ fits, after, take, released });
  return { isTaken: () => isTaken, letGo };
}

function takeFirst(holds: Hold[], line: string): Hold | undefined {
  const index = holds.findIndex(({ fits }) => fits.test(line));
  const hold = holds[index];
  if (hold === undefined) return undefined;
  hold.after -= 1;
  return hold.after < 0 ? holds.splice(index, 1)[0] : undefined;
}

function faultOf(planned: Planned[], line: string): Fault | undefined {
  const plan = planned.find(({ fits, left }) => left > 0 && fits.test(line));
  if (plan === undefined) return undefined;
  plan.left -= 1;
  plan.met += 1;
  return plan.fault;
}

/** True for what keeps the request from Marathon. */
function isBefore({ kind }: Fault): boolean {
  return kind === 'answer' || kind === 'refused' || kind === 'silent';
}

function meet(fault: Fault, incoming: IncomingMessage, response: ServerResponse): void {
  incoming.resume();
  if (fault.kind === 'refused') {
    response.destroy();
  } else if (fault.kind === 'answer') {
    const { status, body = {}, headers = {} } = fault;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const type = typeof body === 'string' ? 'text/html' : 'application/json';
    response.writeHead(status, { 'content-type': type, ...headers }).end(text);
  } else {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  }
}

/** The page that a standby of Marathon answers while nobody leads. */
export const noLeader: Fault = {
  kind: 'answer',
  status: 502,
  body: `<html><head><title>Error 502</title></head><body><h2>HTTP ERROR: 502</h2>
<p>Problem accessing /v2/apps. Reason:<pre>    Could not determine the current leader</pre></p></body></html>`,
};

/** What Marathon answers beyond --max_running_deployments. */
export const tooMany: Fault = {
  kind: 'answer',
  status: 403,
  body: {
    message:
      'Max number (100) of running deployments is achieved. Wait for existing deployments to complete or cancel one using force=true parameter.',
  },
};
