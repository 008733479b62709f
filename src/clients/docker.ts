/** Connects to a Docker daemon; what is asked of it lives with those who ask. */
import Docker from 'dockerode';
import { SetupError } from '../core/errors.ts';

export type { Docker };

/** Docker's own port for the API without TLS. */
const plainPort = 2375;

/**
 * Opens a client for `host`, written as DOCKER_HOST is: `unix:///path`, a bare socket path,
 * `tcp://host:port` or `http://host:port`. Nothing is sent until the first call.
 * @throws SetupError where it is written otherwise; what is meant by it would go unencrypted.
 */
export function connectDocker(host = 'unix:///var/run/docker.sock'): Docker {
  const socketPath = host.replace(/^unix:\/\//, '');
  if (socketPath.startsWith('/')) return new Docker({ socketPath });
  const url = URL.canParse(host) ? new URL(host) : undefined;
  const isPlain = url?.protocol === 'tcp:' || url?.protocol === 'http:';
  if (!url?.hostname || !isPlain) throw notAllowed(url);
  const port = Number(url.port || (url.protocol === 'http:' ? 80 : plainPort));
  // A URL writes IPv6 in brackets, a socket does not.
  return new Docker({ protocol: 'http', host: url.hostname.replace(/^\[|\]$/g, ''), port });
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
