/** Asks one node by HTTP, signed; what goes wrong names the node and says what to do. */
import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { type EkidenError, messageOf, RemoteError } from '../core/errors.ts';
import type { NodeReport, NodeSignature } from '../core/node.ts';
import { createNodeSignature } from './node-signature.ts';

export interface NodeRequestsOptions {
  /** The secret that nodes know as well; asked for again when a node does not accept it. */
  secret(): Promise<string>;
}

/** Milliseconds: to connect, for an answer to begin, and between two pieces of it. */
const connectTime = 3_000;
const answerTime = 5_000;
const pieceTime = 30_000;

const problemSchema = z.object({ title: z.string(), code: z.string().optional() });

export class NodeRequests {
  readonly #secret: NodeRequestsOptions['secret'];
  #signature: Promise<NodeSignature> | undefined;
  readonly #dispatcher = new Agent({
    connect: { timeout: connectTime },
    headersTimeout: answerTime,
    bodyTimeout: pieceTime,
  });

  constructor({ secret }: NodeRequestsOptions) {
    this.#secret = secret;
  }

  /** Answers of 4xx but 401 are left to the caller, who has to take or dump the body. */
  async send(node: NodeReport, target: string, options: SendOptions = {}) {
    const url = new URL(target, node.url);
    const { method = 'GET', headers = {} } = options;
    const authorization = await this.authorization(method, url);
    const answer = await request(url, {
      ...{ dispatcher: this.#dispatcher, method },
      headers: { ...headers, authorization },
    }).catch((cause) => {
      throw awayError(node, cause);
    });
    const { statusCode } = answer;
    if (statusCode < 500 && statusCode !== 401) return answer;
    // The secret is another when Redis lost its data.
    if (statusCode === 401) this.#signature = undefined;
    throw refusedError(node, await titleOf(answer));
  }

  /** Undefined for 404. */
  async json<T extends z.ZodType>(
    node: NodeReport,
    target: string,
    schema: T,
  ): Promise<z.output<T> | undefined> {
    const answer = await this.send(node, target);
    if (answer.statusCode === 404) return void (await answer.body.dump());
    const body = await answer.body.json().catch((cause) => {
      throw awayError(node, cause);
    });
    const parsed = schema.safeParse(body);
    if (parsed.success && answer.statusCode === 200) return parsed.data;
    throw refusedError(node, `It answers ${answer.statusCode}, and not as expected.`);
  }

  /** The header that goes with a request. */
  async authorization(method: string, url: URL): Promise<string> {
    this.#signature ??= this.#secret().then(
      (secret) => createNodeSignature(secret),
      (error: unknown) => {
        this.#signature = undefined;
        throw error;
      },
    );
    return (await this.#signature).sign(method, url.pathname + url.search);
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }
}

interface SendOptions {
  method?: 'GET' | 'HEAD';
  headers?: Record<string, string>;
}

export function awayError({ name, url }: NodeReport, cause: unknown): EkidenError {
  return new RemoteError(`The node ${name} does not answer at ${url}: ${messageOf(cause)}.`, {
    code: 'E_NODE_AWAY',
    hint: `See that ekiden node runs on ${name}, and that its EKIDEN_NODE_URL can be reached from the role web.`,
    cause,
  });
}

function refusedError({ name }: NodeReport, why: string): EkidenError {
  return new RemoteError(`The node ${name} refuses: ${why}`, {
    code: 'E_NODE',
    hint: 'See the log of ekiden node there; both have to use the same Redis and EKIDEN_INSTALL.',
  });
}

async function titleOf({ body, statusCode }: Dispatcher.ResponseData): Promise<string> {
  const problem = problemSchema.safeParse(await body.json().catch(() => undefined));
  return problem.success ? problem.data.title : `it answers ${statusCode}.`;
}
