/** How a Docker daemon is named, in the setting DOCKER_HOST as in Docker's own. */

/** What a client connects to: a socket by its path, or plain HTTP. */
export type DockerHost = { socketPath: string } | { host: string; port: number };

/** Docker's own port for the API without TLS. */
const plainPort = 2375;

/**
 * Reads `unix:///path`, `/path`, `tcp://host:port` or `http://host:port`. Undefined for anything
 * else: whoever names a daemon behind SSH or TLS would be served without encryption.
 */
export function parseDockerHost(text: string): DockerHost | undefined {
  const socketPath = text.replace(/^unix:\/\//, '');
  if (socketPath.startsWith('/')) return { socketPath };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.protocol === 'tcp:' || url?.protocol === 'http:';
  if (!url?.hostname || !isPlain) return undefined;
  const port = Number(url.port || (url.protocol === 'http:' ? 80 : plainPort));
  // A URL writes IPv6 in brackets, a socket does not.
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port };
}

/** True for a daemon that is reached by a socket, and so runs on this machine. */
export function isLocalDocker(text: string): boolean {
  const host = parseDockerHost(text);
  return host !== undefined && 'socketPath' in host;
}
