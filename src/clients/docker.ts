/** Connects to a Docker daemon; what is asked of it lives with those who ask. */
import Docker from 'dockerode';
import { parseDockerHost } from '../core/docker-host.ts';
import { SetupError } from '../core/errors.ts';

export type { Docker };

/**
 * Opens a client for `host`, written as DOCKER_HOST is: `unix:///path`, a bare socket path,
 * `tcp://host:port` or `http://host:port`. Nothing is sent until the first call.
 * @throws SetupError where it is written otherwise; what is meant by it would go unencrypted.
 */
export function connectDocker(host = 'unix:///var/run/docker.sock'): Docker {
  const target = parseDockerHost(host);
  if (!target) throw notAllowed(URL.canParse(host) ? new URL(host) : undefined);
  return new Docker('socketPath' in target ? target : { protocol: 'http', ...target });
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
