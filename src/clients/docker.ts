/** Connects to a Docker daemon; what is asked of it lives with those who ask. */
import Docker from 'dockerode';

export type { Docker };

/**
 * Opens a client for `host`, written as DOCKER_HOST is: `unix:///path`, a bare socket path,
 * or `tcp://host:port`. Nothing is sent until the first call.
 */
export function connectDocker(host = 'unix:///var/run/docker.sock'): Docker {
  if (host.startsWith('/')) return new Docker({ socketPath: host });
  const url = new URL(host);
  if (url.protocol === 'unix:') return new Docker({ socketPath: url.pathname });
  return new Docker({ protocol: 'http', host: url.hostname, port: Number(url.port || 2375) });
}
