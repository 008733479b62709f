/** The HTTP server of the role node: log files and metrics of this host's instances, for the web role alone. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { AccessError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { LogFiles } from '../core/log-file.ts';
import type { ListeningPorts, NodeInstances, NodeSignature } from '../core/node.ts';
import type { Metrics } from '../core/sample.ts';
import { sendJson, sendProblem } from './answer.ts';
import { listen } from './listening.ts';
import { answerNode } from './node-answers.ts';
import { serveFollowers } from './node-followers.ts';

export interface NodeServerOptions {
  /** `host:port`; port 0 takes a free one. */
  listen: string;
  signature: Pick<NodeSignature, 'refusalOf'>;
  instances: Pick<NodeInstances, 'find' | 'list' | 'ofApp'>;
  logFiles: LogFiles;
  metrics: Metrics;
  listening: ListeningPorts;
  log: Log;
}

export interface NodeServer {
  port: number;
  /** Closes followers with a reason, and resolves when the last answer is out. */
  stop(): Promise<void>;
}

/** @throws SetupError when the address is taken. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const server = createServer((request, response) => {
    void answer(options, request, response);
  });
  const followers = serveFollowers(server, {
    ...options,
    check: (request) => check(options.signature, request),
  });
  const listener = await listen(server, {
    address: options.listen,
    setting: 'EKIDEN_NODE_LISTEN',
  });
  return {
    port: listener.port,
    async stop() {
      await followers.stop();
      await listener.stop();
    },
  };
}

async function answer(
  options: NodeServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (request.url === '/healthz') return sendJson(response, 200, { status: 'ok' });
    check(options.signature, request);
    await answerNode(options, request, response);
  } catch (error) {
    options.log.debug({ error: messageOf(error) }, 'a question to the node failed');
    if (response.headersSent) response.destroy();
    else sendProblem(response, error);
  }
}

/** @throws AccessError (401) for whoever is not the web role of this installation. */
function check(signature: NodeServerOptions['signature'], request: IncomingMessage): void {
  const { method = 'GET', url = '/', headers } = request;
  const refusal = signature.refusalOf(method, url, headers.authorization);
  if (refusal === undefined) return;
  throw new AccessError(refusal, {
    code: 'E_NODE_SIGNATURE',
    status: 401,
    hint: 'Only the web role of the same installation may ask; both read the secret from Redis.',
  });
}
