/** How a registry is asked: its scheme, its login, and what its refusals mean. */
import { LRUCache } from 'lru-cache';
import { Agent, type Dispatcher, request } from 'undici';
import { RemoteError } from '../core/errors.ts';
import { hub } from '../core/image-reference.ts';
import { createRegistryTokens, type RegistryLogin } from './registry-tokens.ts';

export type { RegistryLogin } from './registry-tokens.ts';

export interface RegistryOptions {
  /** Logins by `host[:port]`; each goes to its own registry, and to whom that names as its issuer of tokens. */
  logins?: Record<string, RegistryLogin>;
  /** Registries that answer without TLS, besides those on loopback; where it throws, it is asked again. */
  isPlain?: (host: string) => Promise<boolean>;
  /** Certificates (PEM) to trust in place of the public ones. */
  ca?: string[];
}

export interface RegistryRequest {
  repository: { host: string; path: string };
  /** Below `/v2/<repository>/`. */
  path: string;
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  headers?: Record<string, string>;
  body?: Buffer;
}

export interface RegistryAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** A registry on the same network answers in milliseconds; who waits for it could be building. */
const patience = 10_000;

/** Manifests and configurations; the specification lets registries refuse manifests above 4 MiB. */
const bodyLimit = 8 * 1024 * 1024;

const redirectLimit = 3;

/** Milliseconds after which Docker may have other settings. */
const plainLife = 60_000;

/** Dockerfiles may name any number of hosts. */
const plainHosts = 500;

export function createRegistryRequests({ logins = {}, isPlain, ca }: RegistryOptions) {
  const agent = new Agent({
    connect: { timeout: 5_000, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: patience,
    bodyTimeout: patience,
  });
  const send = (url: URL, options: SendOptions) => sendOnce(agent, url, options);
  const tokens = createRegistryTokens({ logins, send });
  const plain = new LRUCache<string, boolean>({
    ...{ max: plainHosts, ttl: plainLife },
    fetchMethod: async (host) => (await isPlain?.(host)) ?? false,
  });

  async function urlOf(host: string, path: string): Promise<URL> {
    const isSafe = !isLoopback(host) && !(await plain.fetch(host).catch(() => false));
    const base = isSafe ? `https://${host === hub ? hubHost : host}` : `http://${host}`;
    if (URL.canParse(path, base)) return new URL(path, base);
    throw new RemoteError(`No registry can be at ${host}.`, {
      ...{ code: 'E_REGISTRY', retryable: false },
    });
  }

  return {
    close: () => agent.destroy(),
    /** Undefined for what is not there. @throws RemoteError */
    async ask(asked: RegistryRequest): Promise<RegistryAnswer | undefined> {
      const { repository, path, method = 'GET', headers = {}, body } = asked;
      const { host } = repository;
      const url = await urlOf(host, `/v2/${repository.path}/${path}`);
      const scope = { host, url, path: repository.path, actions: actionsOf(method) };
      const options = { method, ...(body === undefined ? {} : { body }) };
      let known = await tokens.known(scope);
      let answer = await send(url, { ...options, headers: { ...headers, ...known } });
      if (answer.status === 401) {
        known = await tokens.answer(scope, answer.headers['www-authenticate'] ?? '');
        if (known) answer = await send(url, { ...options, headers: { ...headers, ...known } });
      }
      if (answer.status === 404 && !['POST', 'PUT'].includes(method)) return undefined;
      if (answer.status < 300) return answer;
      throw refusal({
        host,
        what: `${method} ${repository.path}/${path}`,
        answer,
        hasLogin: host in logins,
      });
    },
  };
}

/** Docker Hub answers at another host than the one in names. */
const hubHost = 'registry-1.docker.io';

/** As dockerd has it, registries on loopback need no TLS. */
export function isLoopback(host: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d+)?$/.test(host);
}

function actionsOf(method: string): string {
  if (method === 'GET' || method === 'HEAD') return 'pull';
  return method === 'DELETE' ? 'delete' : 'pull,push';
}

export interface SendOptions {
  method?: Dispatcher.HttpMethod;
  headers: Record<string, string>;
  body?: Buffer;
}

export type Send = (url: URL, options: SendOptions) => Promise<RegistryAnswer>;

/** Follows redirects, as of blobs that lie in a store of their own; a login never goes to another origin. */
async function sendOnce(agent: Agent, start: URL, options: SendOptions): Promise<RegistryAnswer> {
  let url = start;
  const signal = AbortSignal.timeout(patience * 2);
  for (let redirects = 0; ; redirects++) {
    const { authorization, ...others } = options.headers;
    const headers =
      authorization !== undefined && url.origin === start.origin
        ? { ...others, authorization }
        : others;
    const answer = await sendTo(agent, url, { ...options, headers, signal });
    const location = answer.headers['location'];
    const isRedirect = answer.status >= 300 && answer.status < 400 && location !== undefined;
    const mayFollow = options.method === undefined || ['GET', 'HEAD'].includes(options.method);
    const isEnd = !isRedirect || !mayFollow || redirects === redirectLimit;
    if (isEnd || !URL.canParse(location, url.href)) {
      return url.origin === start.origin ? answer : withoutChallenge(answer);
    }
    url = new URL(location, url.href);
  }
}

/** Whoever a registry leads to may not ask for the login of that registry. */
function withoutChallenge(answer: RegistryAnswer): RegistryAnswer {
  const { 'www-authenticate': _, ...headers } = answer.headers;
  return { ...answer, headers };
}

async function sendTo(
  agent: Agent,
  url: URL,
  { signal, ...options }: SendOptions & { signal: AbortSignal },
): Promise<RegistryAnswer> {
  try {
    const answer = await request(url, { method: 'GET', dispatcher: agent, signal, ...options });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > bodyLimit) throw new Error(`more than ${bodyLimit} bytes`);
      chunks.push(chunk);
    }
    const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
    const body = Buffer.concat(chunks);
    return { status: answer.statusCode, headers: Object.fromEntries(headers), body };
  } catch (error) {
    throw new RemoteError(`The registry ${url.host} does not answer: ${reasonOf(error)}`, {
      code: 'E_REGISTRY',
      hint: 'Check REGISTRY_URL, and that the registry is up.',
      cause: error,
    });
  }
}

/** What the system says is in the cause; the message of a failed connection is often empty. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return error.message || (typeof code === 'string' ? code : error.name);
}

interface Refused {
  host: string;
  what: string;
  answer: RegistryAnswer;
  hasLogin: boolean;
}

/** As the system says it in words, or by its number for it. */
const diskFull = /no space left on device|disk quota exceeded|"Err":\s*28\b/i;

function refusal({ host, what, answer: { status, body }, hasLogin }: Refused): RemoteError {
  if (status >= 500 && diskFull.test(body.toString())) {
    return new RemoteError(`The disk of the registry ${host} is full.`, {
      code: 'E_REGISTRY_FULL',
      hint: 'Free room there: ekiden clean deletes what nobody needs, and the garbage collection of the registry then gives it back.',
    });
  }
  const said = body.toString().replace(/\s+/g, ' ').slice(0, 200);
  const text = `The registry ${host} answers ${what} with HTTP ${status}${said ? `: ${said}` : ''}`;
  if (status !== 401 && status !== 403) {
    const retryable = status === 429 || status >= 500;
    const hint = status === 405 ? { hint: 'Allow it to delete: storage.delete.enabled.' } : {};
    return new RemoteError(text, { code: 'E_REGISTRY', retryable, ...hint });
  }
  return new RemoteError(text, {
    code: 'E_REGISTRY_LOGIN',
    hint: hasLogin
      ? `The registry does not let the login do this; check its name, password and rights at ${host}.`
      : `No login is known for ${host}.`,
    retryable: false,
  });
}
