/** Connects to a Docker daemon; what is asked of it lives with those who ask. */
import { Agent, IncomingMessage } from 'node:http';
import { Duplex, type Readable } from 'node:stream';
import Docker from 'dockerode';
import { parseDockerHost } from '../core/docker-host.ts';
import { SetupError } from '../core/errors.ts';

export type { Docker };

/**
 * Opens a client for `host`, written as DOCKER_HOST is: `unix:///path`, a bare socket path,
 * `tcp://host:port` or `http://host:port`. Nothing is sent until the first call.
 * @throws SetupError where it is written otherwise; what is meant by it would go unencrypted.
 */
export function connectDocker(
  host = 'unix:///var/run/docker.sock',
  { keepAlive = true }: { keepAlive?: boolean } = {},
): Docker {
  const target = parseDockerHost(host);
  if (!target) throw notAllowed(URL.canParse(host) ? new URL(host) : undefined);
  return new Docker({
    ...('socketPath' in target ? target : { protocol: 'http' as const, ...target }),
    ...(keepAlive ? {} : { agent: new Agent({ keepAlive }) }),
  });
}

/** What the daemon says of itself in the headers of its shortest answer; `signal` gives up one that hangs. */
export async function pingHeaders(
  docker: Docker,
  signal: AbortSignal,
): Promise<Record<string, string | undefined>> {
  const ping = { method: 'GET', path: '/_ping', isStream: true, abortSignal: signal };
  const answer = await dial(docker, ping);
  if (!(answer instanceof IncomingMessage)) throw new Error('Docker gave no answer to a ping');
  // The headers are all that is wanted, whatever becomes of the rest.
  answer.on('error', () => undefined).resume();
  return answer.headers as Record<string, string | undefined>;
}

export interface BuildRequest {
  context: Readable;
  /** As POST /build takes them in its query. */
  query: Record<string, unknown>;
  /** Logins for registries, as the header X-Registry-Config has them. */
  registryConfig?: string;
  signal: AbortSignal;
}

/**
 * Sends a build; answers the stream of its progress. dockerode's own call would open a session that
 * hands one login to whatever registry asks for one.
 */
export async function sendBuild(docker: Docker, request: BuildRequest): Promise<Readable> {
  const { context, query, registryConfig, signal } = request;
  const answer = await dial(docker, {
    method: 'POST',
    path: '/build?',
    isStream: true,
    file: context,
    abortSignal: signal,
    ...(registryConfig === undefined ? {} : { registryconfig: { base64: registryConfig } }),
    options: query,
  });
  return answer as Readable;
}

/** Opens the connection on which BuildKit calls back; `id` is what a build names it by. */
export async function upgradeToSession(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): Promise<Duplex> {
  const headers = {
    Upgrade: 'h2c',
    'X-Docker-Expose-Session-Uuid': id,
    'X-Docker-Expose-Session-Name': 'ekiden',
  };
  const hijack = { method: 'POST', path: '/session', hijack: true, abortSignal: signal };
  const socket = await dial(docker, { ...hijack, headers });
  if (!(socket instanceof Duplex)) throw new Error('Docker did not open a session');
  return socket;
}

interface Dial {
  method: string;
  /** Ends with `?` where options go into the query. */
  path: string;
  abortSignal?: AbortSignal;
  [more: string]: unknown;
}

/** One request by docker-modem, for what dockerode itself has no call. */
function dial({ modem }: Docker, request: Dial): Promise<unknown> {
  const statusCodes = { 200: true, 500: 'server error' };
  return new Promise((resolve, reject) => {
    modem.dial({ ...request, statusCodes }, (error: unknown, answer: unknown) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

/** Names the scheme alone, since the rest may hold a password. */
function notAllowed(url: URL | undefined): SetupError {
  const given = url ? `is written as ${url.protocol}//…` : 'is no address';
  return new SetupError(
    `DOCKER_HOST ${given}; it may be unix:///path, /path, tcp://host:port or http://host:port.`,
    {
      code: 'E_SETTINGS',
      hint: 'For a daemon behind SSH or TLS, forward its socket to this machine and name the socket.',
    },
  );
}
