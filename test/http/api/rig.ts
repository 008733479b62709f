/** The API over a real Redis and the stand-in GitLab; what runs in Marathon is given by the test. */
import { expect, onTestFinished } from 'vitest';
import { createEkiden, type Ekiden, type ReadyConfig } from '../../../src/ekiden.ts';
import { startServer } from '../../../src/http/server.ts';
import { configOf, logInto } from '../../hooks/door.ts';
import { type GitLabStandIn, startGitLab } from '../../stand-ins/gitlab/gitlab.ts';
import { createAnswerCheck, type Document } from '../../support/openapi.ts';
import { makeFolder, newInstall, type TestRedis } from '../../support/redis.ts';

export interface Api {
  ekiden: Ekiden;
  gitlab: GitLabStandIn;
  url: string;
  project: number;
  /** Tokens by role. */
  tokens: Record<'guest' | 'reporter' | 'developer' | 'maintainer' | 'owner' | 'outsider', string>;
  /** Asks below /api/v1; every answer is held to the document. */
  call(method: string, path: string, options?: CallOptions): Promise<Called>;
  logged(): string;
  /** Stops the server before the test has ended. */
  stop(): Promise<void>;
}

export interface CallOptions {
  token?: string | undefined;
  headers?: Record<string, string>;
  body?: unknown;
}

export interface Called {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed answer, for `toMatchObject` and the like. */
  body: unknown;
}

const levels = { guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 };

export interface RigOptions {
  redis: TestRedis;
  /** What EKIDEN_URL says. */
  publicUrl?: string;
  /** Whose X-Forwarded headers are believed. */
  proxies?: string[];
  /** Other settings than the usual ones. */
  settings?: Partial<ReadyConfig>;
}

export async function openApi({ redis, publicUrl, proxies, settings }: RigOptions): Promise<Api> {
  const gitlab = await startGitLab({ data: await makeFolder() });
  const { id: project } = await gitlab.createProject({ path: 'shop/front' });
  const people = Object.entries(levels).map(([username, accessLevel]) => [
    username,
    gitlab.createUser({ username, projectId: project, accessLevel }).token,
  ]);
  const outsider = gitlab.createUser({ username: 'outsider' }).token;
  const lines: string[] = [];
  const config = {
    ...configOf({ redis, install: newInstall(), data: await makeFolder(), gitlabUrl: gitlab.url }),
    gitlabToken: gitlab.token,
    ...(publicUrl ? { url: publicUrl } : {}),
    ...(proxies ? { proxies } : {}),
    ...settings,
  };
  const ekiden = createEkiden(config, logInto(lines));
  await expect.poll(() => ekiden.isReady()).toBe(true);
  const onDelivery = () => Promise.reject(new Error('no hook is sent here'));
  const server = await startServer({ ekiden, hookSecret: 'secret', onDelivery });
  onTestFinished(async () => {
    await server.stop();
    await ekiden.close();
    await gitlab.stop();
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    ...{ ekiden, gitlab, url, project },
    tokens: { ...Object.fromEntries(people), outsider },
    call: await createCaller(url),
    logged: () => lines.join('\n'),
    stop: () => server.stop(),
  };
}

/** What Ekiden says of its API. */
export async function documentOf(url: string): Promise<Document> {
  return (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Document;
}

/** Asks as programs do; an answer that is not as documented is an error. */
export async function createCaller(url: string): Promise<Api['call']> {
  const check = createAnswerCheck(await documentOf(url));
  return async (method, path, { token, headers = {}, body } = {}) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { 'PRIVATE-TOKEN': token }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const contentType = response.headers.get('content-type') ?? '';
    const { status } = response;
    if (status === 500) throw new Error(`${method} ${path}: ${text}`);
    if (method !== 'HEAD') {
      const wrong = check({ method, path: path.split('?')[0] ?? '', status, contentType, text });
      if (wrong) throw new Error(wrong);
    }
    const parsed = contentType.includes('json') ? JSON.parse(text) : undefined;
    return { status, headers: response.headers, text, body: parsed };
  };
}
