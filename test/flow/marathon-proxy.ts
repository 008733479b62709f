/** Stands between the roles and Marathon, and can keep back the answer to a request that Marathon took. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MarathonProxy {
  url: string;
  /** Requests that change something, as `PUT /v2/apps/a/b?force=true`, oldest first. */
  writes: string[];
  /**
   * Keeps back the answer to the next request that fits, until it is let go; whoever waits for it
   * has to be killed. It is taken once Marathon has answered.
   */
  hold(fits: RegExp): { isTaken(): boolean; letGo(): void };
  stop(): Promise<void>;
}

interface Hold {
  fits: RegExp;
  take: () => void;
  released: Promise<void>;
}

/** Starts it before `target`, an http URL. */
export async function startMarathonProxy(target: string): Promise<MarathonProxy> {
  const writes: string[] = [];
  const holds: Hold[] = [];

  function heldBy(line: string): Hold | undefined {
    const index = holds.findIndex(({ fits }) => fits.test(line));
    return index < 0 ? undefined : holds.splice(index, 1)[0];
  }

  function serve(incoming: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = incoming;
    const line = `${method} ${url}`;
    if (method !== 'GET') writes.push(line);
    const held = heldBy(line);
    const { host, hostname, port } = new URL(target);
    const outgoing = request({
      ...{ hostname, port, method, path: url },
      headers: { ...headers, host },
    });
    outgoing.on('response', async (answer) => {
      held?.take();
      await held?.released;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    // Marathon is away: so is what stands for it.
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes,
    hold(fits) {
      let isTaken = false;
      let letGo = () => {};
      const take = () => {
        isTaken = true;
      };
      const released = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      holds.push({ fits, take, released });
      return { isTaken: () => isTaken, letGo };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
