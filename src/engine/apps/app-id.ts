/** App ids and the instance and task ids made from them, written as Marathon writes them. */
import { randomUUID } from 'node:crypto';

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
/** As Marathon names it to clients. */
const SEGMENT = String.raw`^(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])|(\.|\.\.)$`;
const RESERVED_ENDINGS = new Set(['restart', 'tasks', 'versions']);

/** Brings `raw` (doubled, missing or trailing slashes, `.` and `..`) into the form `/a/b`. */
export function absoluteId(raw: string): string {
  const segments: string[] = [];
  for (const segment of raw.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** An id of which one without a leading slash is meant from the group `base`. */
export function resolvedId(raw: string, base: string): string {
  return absoluteId(raw.startsWith('/') ? raw : `${base}/${raw}`);
}

/** Says what is wrong with an absolute id, or nothing where it is fine. */
export function idProblem(id: string): string | undefined {
  const segments = id.split('/').slice(1);
  if (id === '/') return 'must not be root';
  if (id.length > 1024) return 'must not be longer than 1024 characters';
  if (!segments.every((segment) => segment.split('.').every((label) => LABEL.test(label)))) {
    return `must fully match regular expression '${SEGMENT}'`;
  }
  const last = segments.at(-1);
  if (last !== undefined && RESERVED_ENDINGS.has(last)) return `must not end with /${last}`;
  return undefined;
}

/** The same of what is depended on, which may be the root as well. */
export function dependencyProblem(id: string): string | undefined {
  return id === '/' ? undefined : idProblem(id);
}

/** The group that holds `id`; `/` for an app at the root. */
export function parentOf(id: string): string {
  return id.slice(0, id.lastIndexOf('/')) || '/';
}

/** True when `id` is `group` itself or lies below it. */
export function isWithin(id: string, group: string): boolean {
  return group === '/' || id === group || id.startsWith(`${group}/`);
}

/** `/a/b` as `a_b`: unambiguous, because ids hold no underscore. */
export function safePath(id: string): string {
  return id.slice(1).replaceAll('/', '_');
}

export function newInstanceId(appId: string): string {
  return `${safePath(appId)}.instance-${randomUUID()}`;
}

/** Marathon ≥ 1.8: a relaunched instance keeps its id and counts its incarnation up. */
export function taskIdOf(instance: { id: string; incarnation: number }): string {
  return `${instance.id}._app.${instance.incarnation}`;
}

/** The instance part of a task id, or nothing where `taskId` is none. */
export function instanceIdOf(taskId: string): string | undefined {
  return /^(.+\.instance-[^.]+)\._app\.\d+$/.exec(taskId)?.[1];
}
