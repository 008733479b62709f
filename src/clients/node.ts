/** Log files and metrics of all instances, asked of the nodes that have them. */
import { z } from 'zod';
import { ConflictError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { bytesIn, type LogFiles } from '../core/log-file.ts';
import type { NodeReport, Nodes, Witness } from '../core/node.ts';
import type { Metrics } from '../core/sample.ts';
import { askAll } from './node-all.ts';
import { askFacts } from './node-facts.ts';
import { followThroughNode } from './node-follow.ts';
import { createNodeMetrics } from './node-metrics.ts';
import { createNodePlaces } from './node-places.ts';
import { NodeRequests, type NodeRequestsOptions } from './node-requests.ts';

export interface NodeClientOptions extends NodeRequestsOptions {
  nodes: Pick<Nodes, 'list'>;
  log: Log;
}

export interface NodeClient {
  logFiles: LogFiles;
  metrics: Metrics;
  witness: Witness;
  /** Task ids that nodes know of an app, wherever it runs or ran. @throws RemoteError without any node that answers */
  instancesOf(app: string): Promise<string[]>;
  close(): Promise<void>;
}

const filesSchema = z.object({
  items: z.array(z.object({ path: z.string(), size: z.number(), modifiedAt: z.number() })),
});
const instancesSchema = z.object({ items: z.array(z.object({ id: z.string(), app: z.string() })) });
const fileSchema = z.object({ identity: z.string(), size: z.number(), modifiedAt: z.number() });
/** Nothing is asked before it is needed. */
export function createNodeClient({ nodes, log, secret }: NodeClientOptions): NodeClient {
  const requests = new NodeRequests({ secret });
  const places = createNodePlaces({ nodes, requests });

  /** Asks the node that has the instance; once more elsewhere when that one forgot it. */
  async function ask<T>(
    instance: string,
    question: (node: NodeReport) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const node = await places.find(instance);
    const answer = node && (await question(node).catch(forgetting(instance)));
    if (answer !== undefined || !node) return answer;
    places.forget(instance);
    const other = await places.find(instance);
    return other && other.name !== node.name ? question(other) : undefined;
  }

  function forgetting(instance: string) {
    return (error: unknown): never => {
      places.forget(instance);
      throw error;
    };
  }

  return {
    logFiles: {
      list: (instance) =>
        ask(instance, async (node) => {
          const answer = await requests.json(node, targetOf(instance), filesSchema);
          return answer?.items;
        }),
      open: (instance, path, range) =>
        ask(instance, (node) => openFile({ requests, node, instance, path }, range)),
      follow: (instance, path, follow) =>
        followThroughNode({ places, requests, instance, path, follow }),
    },
    metrics: createNodeMetrics({ nodes, requests, log }),
    witness: {
      factsOf: (instance) => ask(instance, (node) => askFacts(requests, node, instance)),
    },
    async instancesOf(app) {
      const target = `/instances?${new URLSearchParams({ app })}`;
      const answers = await askAll({ nodes, requests, log }, target, instancesSchema);
      const all = answers.flatMap(({ items }) => items);
      // A node of an earlier version tells all that it knows.
      return all.filter((each) => each.app === app).map(({ id }) => id);
    },
    close: () => requests.close(),
  };
}

interface RemoteFile {
  requests: NodeRequests;
  node: NodeReport;
  instance: string;
  path: string;
}

type Open = Awaited<ReturnType<LogFiles['open']>>;

/** Asks for the head alone; the bytes are asked for once somebody takes them. */
async function openFile(remote: RemoteFile, range: Parameters<LogFiles['open']>[2]): Promise<Open> {
  const { requests, node, instance, path } = remote;
  const answer = await requests.send(node, targetOf(instance, path), { method: 'HEAD' });
  await answer.body.dump();
  if (answer.statusCode !== 200) return undefined;
  const { identity, ...file } = fileSchema.parse(JSON.parse(String(answer.headers['ekiden-file'])));
  const wanted = bytesIn(file.size, range);
  return { file: { path, ...file }, identity, bytes: remoteBytes(remote, wanted) };
}

async function* remoteBytes(
  { requests, node, instance, path }: RemoteFile,
  { start, stop }: { start: number; stop: number },
): AsyncGenerator<Uint8Array> {
  if (stop === start) return;
  const headers = { range: `bytes=${start}-${stop - 1}` };
  const { statusCode, body } = await requests.send(node, targetOf(instance, path), { headers });
  if (statusCode !== 206) {
    // Destroyed before anybody reads it, it would raise an error that nobody hears.
    await body.dump();
    throw changed();
  }
  let left = stop - start;
  try {
    for await (const chunk of body) {
      left -= chunk.length;
      yield chunk;
    }
    if (left !== 0) throw changed();
  } finally {
    // Whoever leaves early does not want the rest to be read either.
    body.destroy();
  }
}

function changed(): ConflictError {
  return new ConflictError('The file was rotated or truncated while it was read.', {
    code: 'E_FILE_CHANGED',
    hint: 'Ask again.',
    retryable: true,
  });
}

function targetOf(instance: string, path = ''): string {
  const files = `/instances/${encodeURIComponent(instance)}/files`;
  return path === '' ? files : `${files}/${encodeURIComponent(path)}`;
}
