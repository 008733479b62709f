/** Asks one instance once whether it is well. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { messageOf } from '../../core/errors.ts';
import { explainRefusal, type Listener } from '../../core/listening.ts';
import type { App } from '../apps/app-definition.ts';
import type { HealthCheck } from '../apps/check-definition.ts';
import { containerPorts } from '../launch/container-spec.ts';
import type { Instance } from '../state/cluster.ts';
import type { Answer, Reply } from './health.ts';
import { listenersOf } from './listening-ports.ts';
import { type CommandProbe, probeCommand } from './probe-command.ts';

export interface Target {
  /** The container's own address; on the host's network the loopback address. */
  address: string;
  port: number;
  onHost: boolean;
}

/**
 * Where a check goes. Never to a published port: Docker's proxy accepts connections there even
 * when nothing listens behind it.
 */
export function targetOf(
  app: App,
  instance: Instance,
  check: Pick<HealthCheck, 'port' | 'portIndex'>,
): Target | undefined {
  const onHost = app.networks.every(({ mode }) => mode === 'host');
  const address = onHost ? '127.0.0.1' : instance.ipAddress;
  const port = check.port ?? containerPorts(app, instance.ports)[check.portIndex ?? 0];
  return address && port ? { address, port, onHost } : undefined;
}

interface ProbeOptions extends Pick<CommandProbe, 'docker' | 'starts'> {
  app: App;
  instance: Instance;
  check: HealthCheck;
}

/** Never throws: whatever goes wrong is the cause of a failed answer. */
export async function probe(options: ProbeOptions): Promise<Reply> {
  const { app, instance, check } = options;
  const timeoutMs = check.timeoutSeconds * 1000 || 1000;
  const { containerId, pid } = instance;
  if (containerId === undefined) return failed('the container is gone');
  try {
    if (check.command && check.protocol === 'COMMAND') {
      const command = check.command.value;
      return await probeCommand({ ...options, containerId, command, timeoutMs });
    }
    const target = targetOf(app, instance, check);
    if (!target) return failed('the instance has no port to check');
    const answer = await probeNetwork(target, check, timeoutMs);
    return await settled(answer, target, () =>
      pid ? listenersOf({ pid, containerId, onHost: target.onHost }) : Promise.resolve(undefined),
    );
  } catch (error) {
    return failed(messageOf(error));
  }
}

type NetworkAnswer = Reply | 'refused';

/** Another process on the same host port must not make an instance look well. */
async function settled(
  answer: NetworkAnswer,
  { port, onHost }: Target,
  listeners: () => Promise<Listener[] | undefined>,
): Promise<Reply> {
  if (answer === 'refused') return failed(explainRefusal(port, await listeners()));
  if (answer === 'ignored' || !answer.ok || !onHost) return answer;
  const own = await listeners();
  if (!own || own.some((listener) => listener.port === port)) return answer;
  return failed(`port ${port} is held by another process; ${explainRefusal(port, own)}`);
}

function probeNetwork(
  target: Target,
  check: HealthCheck,
  timeoutMs: number,
): Promise<NetworkAnswer> {
  if (check.protocol.endsWith('TCP')) return probeTcp(target, timeoutMs);
  return probeHttp(target, check, timeoutMs);
}

function probeTcp({ address, port }: Target, timeoutMs: number): Promise<NetworkAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => finish(timedOut(timeoutMs)), timeoutMs);
    const finish = (answer: NetworkAnswer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => finish({ ok: true }));
    socket.once('error', (error) => finish(connectionError(error)));
  });
}

type Status = Pick<IncomingMessage, 'statusCode'>;

/** Healthy is a status from 200 to 399; certificates are not looked at. */
function probeHttp(
  { address, port }: Target,
  check: HealthCheck,
  timeoutMs: number,
): Promise<NetworkAnswer> {
  const path = check.path?.startsWith('/') ? check.path : `/${check.path ?? ''}`;
  const secure = check.protocol.endsWith('HTTPS');
  return new Promise((resolve) => {
    const open = secure ? httpsRequest : httpRequest;
    const request = open({
      host: address,
      port,
      path,
      agent: false,
      headers: { 'User-Agent': 'marathon', Connection: 'close' },
      ...(secure ? { rejectUnauthorized: false } : {}),
    });
    const timer = setTimeout(() => finish(interim ?? timedOut(timeoutMs)), timeoutMs);
    const finish = (answer: NetworkAnswer) => {
      clearTimeout(timer);
      request.destroy();
      resolve(answer);
    };
    // A status below 200 is the answer only where no other one follows.
    let interim: Reply | undefined;
    request.on('error', (error) => finish(interim ?? connectionError(error)));
    request.on('information', (response) => {
      interim = judged(response, check, path);
    });
    request.once('upgrade', (response) => finish(judged(response, check, path)));
    request.once('response', (response) => finish(judged(response, check, path)));
    request.end();
  });
}

function judged({ statusCode = 0 }: Status, check: HealthCheck, path: string): Reply {
  if (statusCode >= 200 && statusCode < 400) return { ok: true };
  if (statusCode < 200 && check.ignoreHttp1xx) return 'ignored';
  return failed(`HTTP ${statusCode} from ${path}`);
}

function connectionError(error: Error & { code?: string }): NetworkAnswer {
  if (error.code === 'ECONNREFUSED') return 'refused';
  if (error.code === 'ECONNRESET') return failed('connection reset');
  return failed(messageOf(error));
}

function timedOut(timeoutMs: number): Answer {
  return failed(`timed out after ${timeoutMs / 1000} s`);
}

function failed(cause: string): Answer & { ok: false } {
  return { ok: false, cause };
}
