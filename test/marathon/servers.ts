/** Apps that answer HTTP, and whose answers tests change from outside through the app itself. */
import { expect } from 'vitest';
import { app } from './definitions.ts';
import { type Json, type Marathon, type MarathonEvent, until } from './marathon.ts';

/**
 * Serves `/version` with `version`, `/health` unless `ill` is asked for, and nothing at `/ready`. A GET of
 * `/cgi-bin/break`, `mend` or `ready` takes `/health` away, brings it back, or makes `/ready`.
 */
function serving(version: string, { ill = false } = {}): string {
  const script = (name: string, line: string) =>
    `printf '#!/bin/sh\\n${line}\\necho; echo done\\n' > cgi-bin/${name}`;
  return [
    'mkdir -p "$MESOS_SANDBOX/www/cgi-bin"; cd "$MESOS_SANDBOX/www"',
    `echo ${version} > version`,
    ...(ill ? [] : ['echo ok > health']),
    script('break', 'rm ../health'),
    script('mend', 'echo ok > ../health'),
    script('ready', 'echo ok > ../ready'),
    'chmod +x cgi-bin/*',
    `trap 'kill $!; exit 0' TERM; busybox httpd -f -p "$PORT0" -h . & wait`,
  ].join('\n');
}

/** An app of Marathon's own tests: one instance of an HTTP server. */
export function server(id: string, version = 'v1', more: object = {}): Json {
  return app(id, { cmd: serving(version), portDefinitions: [{ port: 0, name: 'http' }], ...more });
}

/** The same that is not healthy until it is mended. */
export function illServer(id: string, version = 'v1', more: object = {}): Json {
  return server(id, version, { cmd: serving(version, { ill: true }), ...more });
}

/** An HTTP check as Marathon's own tests have it, but quicker. */
export const HTTP_CHECK = {
  protocol: 'HTTP',
  path: '/health',
  portIndex: 0,
  gracePeriodSeconds: 20,
  intervalSeconds: 1,
  timeoutSeconds: 2,
  maxConsecutiveFailures: 10,
  delaySeconds: 0,
};

export const READINESS_CHECK = {
  name: 'ready',
  portName: 'http',
  path: '/ready',
  intervalSeconds: 2,
  timeoutSeconds: 1,
  preserveLastResponse: true,
};

/** Asks a task for a path; 0 where nothing answers yet. */
export async function statusOf({ host, ports }: Json, path: string): Promise<number> {
  const answer = await fetch(`http://${host}:${ports[0]}${path}`).catch(() => undefined);
  await answer?.text();
  return answer?.status ?? 0;
}

/** Does something to the server of a task, which may just be starting. */
export async function tell(task: Json, what: 'break' | 'mend' | 'ready'): Promise<void> {
  await until(async () => (await statusOf(task, `/cgi-bin/${what}`)) === 200);
}

export async function serves(task: Json, version: string): Promise<void> {
  await until(async () => {
    const answer = await fetch(`http://${task.host}:${task.ports[0]}/version`).catch(() => null);
    return (await answer?.text())?.trim() === version;
  });
}

/** Waits for an event that fits and answers it. */
export async function eventOf(
  events: MarathonEvent[],
  type: string,
  fits: (data: Json) => boolean = () => true,
): Promise<Json> {
  const find = () => events.find((event) => event.type === type && fits(event.data));
  await until(() => find() !== undefined || events.map((event) => event.type));
  return find()?.data;
}

/** Waits for so many status updates of an app with a state. */
export async function statusUpdates(
  events: MarathonEvent[],
  { appId, state, count = 1 }: { appId: string; state: string; count?: number },
): Promise<Json[]> {
  const found = () =>
    events
      .filter(({ type }) => type === 'status_update_event')
      .map(({ data }) => data)
      .filter((data) => data.appId === appId && data.taskStatus === state);
  await until(() => found().length >= count || events.map(({ type }) => type));
  return found();
}

/** What waits for an app in the launch queue. */
export async function queued(marathon: Marathon, id: string): Promise<Json> {
  const { queue } = await marathon.ok('GET', '/v2/queue');
  return queue.find((item: Json) => item.app.id === id);
}

/** The deployments that are at work on an app. */
export async function deploymentsOf(marathon: Marathon, id: string): Promise<Json[]> {
  const all = await marathon.ok('GET', '/v2/deployments');
  return all.filter(({ affectedApps }: Json) => affectedApps.includes(id));
}

/** Creates an app and waits until it is deployed; answers its tasks, all of which run. */
export async function created(marathon: Marathon, definition: Json): Promise<Json[]> {
  const reply = await marathon.api('POST', '/v2/apps', definition);
  expect(reply.status).toBe(201);
  expect(reply.body.deployments).toHaveLength(1);
  await marathon.finished(reply.body.deployments[0].id);
  return marathon.running(definition.id, definition.instances ?? 1);
}
