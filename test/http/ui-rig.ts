/** Ekiden's pages over a real server, Redis and GitLab, asked as programs ask. */
import { expect, onTestFinished } from 'vitest';
import { createEkiden } from '../../src/ekiden.ts';
import { startServer } from '../../src/http/server.ts';
import { configOf, logInto } from '../hooks/door.ts';
import { startGitLab } from '../stand-ins/gitlab/gitlab.ts';
import { makeFolder, newInstall, type TestRedis } from '../support/redis.ts';

export const asJson = { Accept: 'application/json' };
export const asHtml = { Accept: 'text/html,*/*;q=0.8' };

export interface PagesOptions {
  templates?: string;
  /** What EKIDEN_URL says. */
  url?: string;
}

export async function openPages(
  redis: TestRedis,
  { templates, url = 'http://ekiden.test' }: PagesOptions = {},
) {
  const gitlab = await startGitLab({ data: await makeFolder() });
  const { id: project } = await gitlab.createProject({ path: 'shop/front' });
  const tokenOf = (username: string, accessLevel: number) =>
    gitlab.createUser({ username, projectId: project, accessLevel }).token;
  const tokens = { reporter: tokenOf('reporter', 20), guest: tokenOf('guest', 10) };
  const lines: string[] = [];
  const config = configOf({
    ...{ redis, install: newInstall(), data: await makeFolder(), gitlabUrl: gitlab.url },
  });
  const ekiden = createEkiden({ ...config, gitlabToken: gitlab.token, url }, logInto(lines));
  if (templates) ekiden.templates = templates;
  await expect.poll(() => ekiden.isReady()).toBe(true);
  const onDelivery = () => Promise.reject(new Error('no hook is sent here'));
  const server = await startServer({ ekiden, hookSecret: 'secret', onDelivery });
  onTestFinished(async () => {
    await server.stop();
    await ekiden.close();
    await gitlab.stop();
  });
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { redirect: 'manual', ...init });
  const get = (path: string, headers: Record<string, string> = {}) =>
    ask(path, { headers: { 'PRIVATE-TOKEN': tokens.reporter, ...headers } });
  const signIn = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    ask('/sign-in', {
      method: 'POST',
      headers: { Origin: new URL(url).origin, ...asHtml, ...headers },
      body: new URLSearchParams(form),
    });
  return { ekiden, gitlab, project, tokens, ask, get, signIn, lines };
}

/** The cookie as a browser sends it back. */
export function cookieOf(answer: Response): string {
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}
