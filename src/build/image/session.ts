/** The session in which BuildKit asks its client for logins and secrets while it builds. */
import {
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  status,
} from '@grpc/grpc-js';
import { type Docker, upgradeToSession } from '../../clients/docker.ts';
import { calls } from './buildkit-messages.ts';
import { type Login, loginAt } from './registry-login.ts';

export interface Offer {
  /** By registry; each is given to the registry that it is for and to no other. */
  logins: Record<string, Login>;
  /** Values of secret mounts by their ids. */
  secrets: Record<string, string>;
}

export interface Session {
  /** What a build names it by. */
  id: string;
  /** Ends it; nothing of it is left afterwards. */
  close(): void;
}

/** SERVING of grpc.health.v1. BuildKit asks each second, and gives up a session that does not answer. */
const serving = 1;

/**
 * Opens a session: a connection to the daemon that turns round, so that the daemon calls and Ekiden
 * answers (session/grpc.go of moby/buildkit). What it does not offer, such as SSH keys and tokens for
 * registries, is answered by UNIMPLEMENTED; BuildKit then goes on without.
 */
export async function openSession(
  docker: Docker,
  offer: Offer,
  signal: AbortSignal,
): Promise<Session> {
  const id = crypto.randomUUID();
  const server = createServer(offer);
  const socket = await upgradeToSession(docker, id, signal);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  // The build itself tells what went wrong when the daemon is gone.
  socket.on('error', () => undefined);
  injector.injectConnection(socket);
  return {
    id,
    close() {
      server.forceShutdown();
      injector.destroy();
      socket.destroy();
    },
  };
}

function createServer({ logins, secrets }: Offer): Server {
  const server = new Server({ 'grpc.enable_channelz': 0 });
  answer(server, calls.health, (_, reply) => reply(null, { status: serving }));
  answer(server, calls.credentials, ({ request }, reply) => {
    const login = loginAt(logins, request.host);
    reply(null, login ? { username: login.username, secret: login.password } : {});
  });
  answer(server, calls.secret, ({ request }, reply) => {
    const value = Object.hasOwn(secrets, request.id) ? secrets[request.id] : undefined;
    if (value === undefined) reply({ code: status.NOT_FOUND, details: 'no such secret' });
    else reply(null, { data: Buffer.from(value) });
  });
  return server;
}

function answer<Request, Answer>(
  server: Server,
  { path, responseSerialize, requestDeserialize }: MethodDefinition<Request, Answer>,
  handle: handleUnaryCall<Request, Answer>,
): void {
  server.register(path, handle, responseSerialize, requestDeserialize, 'unary');
}
