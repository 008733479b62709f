/** Names of apps in Marathon, and the addresses at which they answer. */
import { createHash } from 'node:crypto';

/** What names an app. */
export interface AppName {
  /** `group/name`. */
  projectPath: string;
  environment: string;
  service: string;
}

/** Longest label of a host name. */
const labelLimit = 63;

/** Marathon takes these for its own at the end of an id. */
const reserved = new Set(['restart', 'tasks', 'versions']);

/** `/<project path>/<environment slug>/<service>`, each segment in Marathon's alphabet. */
export function appIdOf({ projectPath, environment, service }: AppName): string {
  const segments = [...projectPath.split('/'), environmentSlug(environment), service];
  return `/${segments.map(toSegment).join('/')}`;
}

/**
 * Host names of an app, the one to show first: `<project>.<domain>` in production,
 * `<environment>--<project>.<domain>` elsewhere. With several services each has its own name
 * before that, and `web` answers at the plain address too.
 */
export function hostsOf(
  name: AppName,
  options: { domain: string; serviceCount: number },
): string[] {
  const project = shorten(slug(name.projectPath) || `x-${hash(name.projectPath)}`);
  const label =
    name.environment === 'production'
      ? project
      : shorten(`${environmentSlug(name.environment)}--${project}`);
  const plain = `${withoutPunycode(label.replace(/-+$/, ''))}.${options.domain}`;
  if (options.serviceCount <= 1) return [plain];
  const own = `${withoutPunycode(name.service)}.${plain}`;
  return name.service === 'web' ? [plain, own] : [own];
}

/** The URL of an address (`host` or `host/path`) behind balancers that listen on `port`. */
export function urlOfAddress(address: string, port: number): string {
  const [host, ...path] = address.split('/');
  return `http://${host}${port === 80 ? '' : `:${port}`}/${path.join('/')}`;
}

/**
 * GitLab's CI_ENVIRONMENT_SLUG: 24 characters at most, with a suffix of the name's hash where the
 * name had to be changed (lib/gitlab/slug/environment.rb).
 */
export function environmentSlug(name: string): string {
  const letters = name.toLowerCase().replace(/[^a-z0-9]/g, '-');
  const slugged = (/^[a-z]/.test(letters) ? letters : `env-${letters}`).replace(/-+/g, '-');
  if (slugged === name && name.length <= 24) return name;
  const suffix = BigInt(`0x${createHash('sha256').update(name).digest('hex')}`).toString(36);
  const start = slugged.slice(0, 17);
  return `${start}${start.endsWith('-') ? '' : '-'}${suffix.slice(-6)}`;
}

function slug(path: string): string {
  return path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

function toSegment(name: string): string {
  const clean = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  if (clean === name && !reserved.has(name)) return name;
  return `${clean || 'x'}-${hash(name)}`;
}

/** Browsers read a label that begins with `xn--` as another name, or as none (RFC 5891). */
function withoutPunycode(label: string): string {
  return label.startsWith('xn--') ? shorten(`xn-${hash(label)}-${label.slice(4)}`) : label;
}

function shorten(label: string): string {
  return label.length <= labelLimit ? label : `${label.slice(0, labelLimit - 7)}-${hash(label)}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6);
}
