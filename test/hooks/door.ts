/** Ekiden's door as the role web opens it: a real server, real Redis, and a GitLab that the test gives. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Queue as BullQueue } from 'bullmq';
import { onTestFinished } from 'vitest';
import { handleHook } from '../../hooks/index.ts';
import { takesTagAt } from '../../src/build/tag-rule.ts';
import { createGitLab } from '../../src/clients/gitlab.ts';
import { connectRedis } from '../../src/clients/redis.ts';
import { readConfig } from '../../src/config.ts';
import type { Arrival } from '../../src/core/event.ts';
import type { Decision } from '../../src/core/hook.ts';
import type { Log } from '../../src/core/log.ts';
import { createEkiden } from '../../src/ekiden.ts';
import { startServer } from '../../src/http/server.ts';
import { createRelay } from '../../src/relay.ts';
import { makeFolder, newInstall, type TestRedis } from '../support/redis.ts';

export const secret = 'the-secret-of-the-hook';

/** Nothing listens there. */
const nowhere = 'http://127.0.0.1:9';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: Decision & { delivery: string; code?: string };
}

export interface Door {
  url: string;
  data: string;
  install: string;
  /** Everything that was logged, as text. */
  logged(): string;
  /** Sends a body as GitLab does. */
  send(body: unknown, headers?: Record<string, string | undefined>): Promise<Answer>;
  /** What waits in the queue. */
  queued(): Promise<Arrival[]>;
  drainSpool(): Promise<number>;
  stop(): Promise<void>;
}

export interface DoorOptions {
  redis: TestRedis;
  gitlabUrl?: string;
  signingToken?: string;
  hookSecret?: string;
  /** An earlier door's, to come after it. */
  data?: string;
  install?: string;
  /** How long GitLab may take to show a manifest, in milliseconds. */
  tagPatience?: number;
  /** How long the queue may take before a delivery goes to the spool, in milliseconds; ample unless given. */
  hookPatience?: number;
}

/** No test shall profit from what another one asked. */
const nothingRemembered = { find: async () => undefined, save: async () => undefined };

export async function openDoor(options: DoorOptions): Promise<Door> {
  const { redis, install = newInstall(), tagPatience = 10_000 } = options;
  const gitlabUrl = options.gitlabUrl ?? nowhere;
  const data = options.data ?? (await makeFolder());
  const lines: string[] = [];
  const ekiden = createEkiden(configOf({ ...options, gitlabUrl, data, install }), logInto(lines));
  const gitlab = createGitLab({ url: gitlabUrl, token: 'token' });
  const { accept } = createRelay(ekiden);
  const server = await startServer({
    ekiden,
    hookSecret: options.hookSecret ?? secret,
    onDelivery: (payload, delivery) =>
      handleHook({
        payload,
        delivery,
        accept,
        ekiden: {
          newBuildId: ekiden.newBuildId,
          takesTag: (commit) =>
            takesTagAt({ gitlab, tagRules: nothingRemembered, within: tagPatience }, commit),
        },
      }),
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= server.stop().then(() => ekiden.close());
    return stopped;
  };
  onTestFinished(stop);
  const url = `http://127.0.0.1:${server.port}/hooks/gitlab`;
  return {
    ...{ url, data, install, stop },
    drainSpool: ekiden.drainSpool,
    logged: () => lines.join('\n'),
    send: (body, headers) => send(url, body, headers),
    queued: () => queuedIn({ url: redis.url, install }),
  };
}

/** Settings of an Ekiden whose Docker, registry and Marathon do not exist. */
export function configOf(options: DoorOptions) {
  const {
    redis,
    install,
    data,
    gitlabUrl = nowhere,
    signingToken,
    hookPatience = 20_000,
  } = options;
  const config = readConfig(undefined, {
    GITLAB_URL: gitlabUrl,
    GITLAB_TOKEN: 'token',
    EKIDEN_HOOK_SECRET: secret,
    EKIDEN_SIGNING_TOKEN: signingToken,
    EKIDEN_LISTEN: '127.0.0.1:0',
    EKIDEN_DATA: data,
    EKIDEN_INSTALL: install,
  });
  return {
    ...config,
    url: 'http://ekiden.test',
    redisUrl: redis.url,
    registryUrl: '127.0.0.1:9',
    marathonUrl: ['http://127.0.0.1:9'],
    hookPatience,
  };
}

/** A log that keeps its lines. */
export function logInto(lines: string[]): Log {
  const write = (fields: Record<string, unknown>, message: string) => {
    lines.push(JSON.stringify({ ...fields, message }));
  };
  return { debug: write, info: write, warn: write, error: write };
}

/** Sends a body as GitLab does. */
export async function send(
  url: string,
  body: unknown,
  headers: Record<string, string | undefined> = {},
): Promise<Answer> {
  const all = {
    'Content-Type': 'application/json',
    'User-Agent': 'GitLab/19.1.0',
    'X-Gitlab-Event': 'Push Hook',
    'X-Gitlab-Token': secret,
    ...headers,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await fetch(url, { method: 'POST', headers: given, body: raw });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith('{') ? JSON.parse(text) : undefined,
  };
}

/** What waits in the queue of arrivals. */
export async function queuedIn({
  url,
  install,
}: {
  url: string;
  install: string;
}): Promise<Arrival[]> {
  const connection = connectRedis({ url });
  const queue = new BullQueue('arrivals', { connection, prefix: `ekiden:${install}:queue` });
  try {
    const jobs = await queue.getJobs(['waiting', 'delayed', 'prioritized', 'active', 'completed']);
    return jobs.map((job) => job.data.work);
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

/** A body from GitLab's documentation, changed as `change` says. */
export function payload(name: string, change: object = {}): Record<string, unknown> {
  const file = new URL(`../fixtures/gitlab/webhooks/${name}.json`, import.meta.url);
  return { ...JSON.parse(readFileSync(file, 'utf8')), ...change };
}

/** The least of a GitLab that a tag needs: manifests by commit; `silent` never answers. */
export async function startManifests(manifests: Record<string, string> | 'silent') {
  const server = createServer(({ url = '' }, response) => {
    if (manifests === 'silent') return;
    const { pathname, searchParams } = new URL(url, 'http://gitlab');
    const text = manifests[searchParams.get('ref') ?? ''];
    const found = text !== undefined && decodeURIComponent(pathname).endsWith('/files/.ekiden.yml');
    const answer = found
      ? { content: Buffer.from(text).toString('base64'), encoding: 'base64' }
      : { message: '404 File Not Found' };
    response.writeHead(found ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
