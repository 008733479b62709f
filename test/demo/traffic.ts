/** A client that asks an app again and again, half over fresh and half over kept connections. */
import { Agent, request } from 'node:http';

export interface TrafficOptions {
  /** Address of nginx. */
  url: string;
  /** Host name of the app. */
  host: string;
  perSecond: number;
}

export interface TrafficCounts {
  requests: { fresh: number; kept: number };
  /** One line for each request that got no 2xx answer. */
  failures: string[];
}

export interface Traffic {
  counts(): TrafficCounts;
  /** Waits for the answers under way. */
  stop(): Promise<TrafficCounts>;
}

const answerLimit = 10_000;

/** Starts asking at a steady rate, whatever the answers do. */
export function startTraffic({ url, host, perSecond }: TrafficOptions): Traffic {
  const kept = new Agent({ keepAlive: true, maxSockets: 10 });
  const requests = { fresh: 0, kept: 0 };
  const failures: string[] = [];
  const underWay = new Set<Promise<void>>();
  let turn = 0;

  const askOnce = () => {
    const kind = turn++ % 2 === 0 ? 'fresh' : 'kept';
    requests[kind] += 1;
    const asked = ask({ url, host, ...(kind === 'kept' ? { agent: kept } : {}) })
      .then(({ status }) => {
        if (status < 200 || status > 299) failures.push(`${kind}: HTTP ${status}`);
      })
      .catch((error: Error) => void failures.push(`${kind}: ${error.message}`))
      .finally(() => underWay.delete(asked));
    underWay.add(asked);
  };
  const timer = setInterval(askOnce, 1000 / perSecond);
  const counts = () => ({ requests: { ...requests }, failures: [...failures] });

  return {
    counts,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      kept.destroy();
      return counts();
    },
  };
}

export interface Asking {
  url: string;
  host: string;
  path?: string;
  /** Without one, the connection is used for this request only. */
  agent?: Agent;
}

/** Asks once. */
export function ask({
  url,
  host,
  path = '/',
  agent,
}: Asking): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(path, url),
      { headers: { host }, agent: agent ?? new Agent({ keepAlive: false }), timeout: answerLimit },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${answerLimit} ms`)));
    asked.on('error', reject);
    asked.end();
  });
}
