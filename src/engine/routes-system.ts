/** What the engine says of itself, and the event stream. */
import type { Express, Request } from 'express';
import { texts } from './request.ts';
import type { Api } from './server.ts';

/** The Marathon whose behaviour the engine has. */
const VERSION = '1.11.24';

export function addSystemRoutes(app: Express, { stream, frameworkId }: Api): void {
  app.get('/ping', (request, response) => {
    const accepted = request.accepts(['text/plain', 'application/json']);
    if (accepted === 'application/json') response.json('pong');
    else if (accepted) response.type('text/plain').send('pong');
    else response.status(204).end();
  });

  app.get('/', (_request, response) => response.redirect(302, '/ui/'));
  app.get('/v2/info', (request, response) => response.json(info(request, frameworkId)));
  app.get('/v2/leader', (request, response) => response.json({ leader: addressOf(request) }));
  app.get('/v2/plugins', (_request, response) => response.json({ plugins: [] }));

  app.get('/v2/events', (request, response) => {
    if (!request.headers.accept?.includes('text/event-stream')) {
      response.status(405).json({ message: 'This stream needs Accept: text/event-stream' });
      return;
    }
    stream.attach(request, response, texts(request, 'event_type'));
  });
}

function addressOf(request: Request): string {
  return `${request.socket.localAddress}:${request.socket.localPort}`;
}

/** The fields that clients read; the numbers are Marathon's defaults where they mean anything here. */
function info(request: Request, frameworkId: string) {
  return {
    name: 'marathon',
    version: VERSION,
    buildref: 'ekiden',
    elected: true,
    leader: addressOf(request),
    frameworkId,
    marathon_config: {
      checkpoint: true,
      features: ['task_killing'],
      framework_name: 'marathon',
      ha: false,
      hostname: request.socket.localAddress,
      local_port_min: 10_000,
      local_port_max: 20_000,
      master: 'ekiden',
      max_instances_per_offer: 5,
      mesos_role: '*',
      task_lost_expunge_initial_delay: 300_000,
      task_lost_expunge_interval: 30_000,
    },
    zookeeper_config: {
      zk: 'zk://localhost:2181/marathon',
      zk_connection_timeout: 10_000,
      zk_max_versions: 50,
      zk_session_timeout: 10_000,
      zk_timeout: 10_000,
    },
    http_config: { http_port: request.socket.localPort, https_port: 0 },
  };
}
