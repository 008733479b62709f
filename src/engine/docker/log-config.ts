/** Where Docker keeps what a task prints until it is in the sandbox; pure. */
import type { Docker } from '../../clients/docker.ts';

type LogConfig = NonNullable<NonNullable<Docker.ContainerCreateOptions['HostConfig']>['LogConfig']>;

/** Stands for a driver that nobody named. */
export const UNNAMED = '';

/**
 * A reader that is a whole file behind misses one: a task may print so much before the engine has
 * read it.
 */
const BOUNDS = { 'max-size': '64m', 'max-file': '2' };

/** Keeps every byte as it is; `json-file` makes three of each that is no UTF-8. */
const OWN = { Type: 'local', Config: { ...BOUNDS, compress: 'false' } };

/** What the app's parameters ask for; options without a driver are for Docker's own default. */
export function logConfigOf(asked: LogConfig | undefined): LogConfig {
  if (!asked) return OWN;
  if (asked.Type !== UNNAMED) return asked;
  return { Type: 'json-file', Config: { ...BOUNDS, ...asked.Config } };
}
