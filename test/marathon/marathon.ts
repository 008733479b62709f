/** Talks HTTP to the Marathon under test and holds each of its answers to Marathon's schema. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import type { TestEngine } from '../engine/harness.ts';
import { expectAnswer, type Json, type MarathonEvent, type Reply } from './answers.ts';

export type { Json, MarathonEvent } from './answers.ts';

export interface Marathon {
  /** Without a slash at its end. */
  readonly url: string;
  /** One request; the answer has the type that Marathon gives to it, or this fails. */
  api(method: string, path: string, body?: unknown): Promise<Reply>;
  /** The same, failing unless the status is a 2xx; answers the body. */
  ok(method: string, path: string, body?: unknown): Promise<Json>;
  /** Does a write and waits until the deployment that it made is over. */
  deployed(method: string, path: string, body?: unknown): Promise<Json>;
  /** Waits until deployment `id` is not listed any more. */
  finished(id: string): Promise<void>;
  /** The tasks of an app. */
  tasks(appId: string): Promise<Json[]>;
  /** Waits until an app has exactly `count` tasks and all run. */
  running(appId: string, count: number): Promise<Json[]>;
  /** All events since the call, in their order, until the test ends. */
  events(query?: string): Promise<MarathonEvent[]>;
  /** The id of a group of this test's own, which goes with all that is in it when the test ends. */
  group(): string;
  /** Has the leader abdicate, which ends its process, and waits until the next one answers. */
  restart(): Promise<void>;
}

/** How long a deployment may take on a busy machine. */
const PATIENCE_MS = 50_000;

/** To be called once at the top of a file: the Marathon at MARATHON_TEST_URL, else an engine for this file. */
export function useMarathon(): Marathon {
  const given = process.env['MARATHON_TEST_URL'];
  if (given) return marathonAt(() => given.replace(/\/+$/, ''));
  let engine: TestEngine | undefined;
  beforeAll(async () => {
    const { startTestEngine } = await import('../engine/harness.ts');
    engine = await startTestEngine();
  });
  afterAll(() => engine?.close());
  return marathonAt(() => engine?.url ?? '');
}

function marathonAt(url: () => string): Marathon {
  const api: Marathon['api'] = async (method, path, body) => {
    const reply = await call(url() + path, method, body);
    const { pathname } = new URL(url() + path);
    expectAnswer({ method, path: pathname.replace(/\/\/+/g, '/'), ...reply });
    return reply;
  };
  const ok: Marathon['ok'] = async (method, path, body) => {
    const reply = await api(method, path, body);
    expect([reply.status, reply.body]).toEqual([expect.toSatisfy(isSuccess), reply.body]);
    return reply.body;
  };
  const finished: Marathon['finished'] = (wanted) =>
    until(async () => {
      const ids = (await ok('GET', '/v2/deployments')).map(({ id }: Json) => id);
      return !ids.includes(wanted);
    });
  const tasks: Marathon['tasks'] = async (id) => (await ok('GET', `/v2/apps${id}/tasks`)).tasks;
  return {
    get url() {
      return url();
    },
    api,
    ok,
    finished,
    tasks,
    deployed: async (method, path, body) => {
      const answer = await ok(method, path, body);
      await finished(answer.deploymentId ?? answer.deployments[0].id);
      return answer;
    },
    running: async (id, count) => {
      let seen: Json[] = [];
      await until(async () => {
        seen = await tasks(id);
        return seen.length === count && seen.every(({ state }) => state === 'TASK_RUNNING');
      });
      return seen;
    },
    restart: () => abdicate(url(), api),
    events: (query = '') => follow(`${url()}/v2/events${query}`),
    group: () => {
      const id = `/scenario-${randomBytes(4).toString('hex')}`;
      onTestFinished(() => removeGroup(api, id), 2 * PATIENCE_MS);
      return id;
    },
  };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

async function call(url: string, method: string, body: unknown): Promise<Reply> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { Accept: 'application/json, text/plain;q=0.5', 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') && text !== '';
  const { status, headers } = response;
  return { status, headers, body: isJson ? JSON.parse(text) : text };
}

const EVENTS = { Accept: 'text/event-stream' };

async function follow(url: string): Promise<MarathonEvent[]> {
  const events: MarathonEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = '', data }) => events.push({ type: event, data: JSON.parse(data) }),
  });
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const response = await fetch(url, { headers: EVENTS, signal: leaving.signal });
  expect(response.status).toBe(200);
  const decoder = new TextDecoder();
  const read = async () => {
    for await (const chunk of response.body ?? []) {
      parser.feed(decoder.decode(chunk, { stream: true }));
    }
  };
  read().catch(() => undefined);
  return events;
}

/** The streams of a leader end with it, and only then is an answer one of its successor. */
async function abdicate(url: string, api: Marathon['api']): Promise<void> {
  const stream = await fetch(`${url}/v2/events?event_type=none`, { headers: EVENTS });
  const ended = stream.text().catch(() => undefined);
  const { status, body } = await api('DELETE', '/v2/leader');
  expect([status, body]).toEqual([200, { message: 'Leadership abdicated' }]);
  await ended;
  await until(async () => {
    const next = await fetch(`${url}/v2/leader`).catch(() => undefined);
    return next?.status === 200;
  });
}

/** Groups that are not there are fine; what was deleted is waited for, so that tests find room. */
async function removeGroup(api: Marathon['api'], id: string): Promise<void> {
  const { status } = await api('DELETE', `/v2/groups${id}?force=true`);
  if (status === 404) return;
  await until(async () => {
    const { body } = await api('GET', '/v2/tasks');
    return !body.tasks.some(({ appId }: Json) => appId.startsWith(`${id}/`));
  });
}

/** Polls until `check` is true; fails with what it saw last. */
export async function until(
  check: () => Promise<unknown> | unknown,
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await check();
    if (seen === true) return;
    if (Date.now() > deadline)
      throw new Error(`still not so: ${check}; saw ${JSON.stringify(seen)}`);
    await sleep(50);
  }
}
