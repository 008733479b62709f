/** Names of images as Docker reads them: registry, repository, and which image there. */

export interface ImageReference {
  /** `host[:port]`; Docker Hub is `docker.io`. */
  host: string;
  /** The repository within the registry, such as `library/busybox`. */
  path: string;
  /** A tag, `latest` where none is written; or a digest, which goes before a tag. */
  reference: string;
}

const pattern =
  /^((?:[a-zA-Z0-9.-]+|\[[a-fA-F0-9:]+\])(?::\d+)?\/)?([a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/**
 * Reads `[registry/]repository[:tag][@digest]` (splitDockerDomain in distribution/reference: a first
 * part with a dot, a port, or the name localhost is a registry); undefined for what is no such name.
 */
export function parseImage(name: string): ImageReference | undefined {
  const [, first = '', rest = '', tag = 'latest', digest] = pattern.exec(name) ?? [];
  if (rest === '') return undefined;
  const isHost = /[.:]/.test(first) || first === 'localhost/';
  const path = isHost ? rest : `${first}${rest}`;
  const host = isHost ? first.slice(0, -1).replace(/^index\.docker\.io$/, hub) : hub;
  const official = host === hub && !path.includes('/') ? `library/${path}` : path;
  return { host, path: official, reference: digest ?? tag };
}

/** What Docker Hub is called in names of images. */
export const hub = 'docker.io';
