/** Ekiden's pages in a real browser: real server, Redis and GitLab; what runs is given by the test. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { createEkiden, type Ekiden } from '../../src/ekiden.ts';
import { startServer } from '../../src/http/server.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { poll } from '../demo/poll.ts';
import { configOf, logInto } from '../hooks/door.ts';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';
import { launchChromium } from '../support/chromium.ts';
import { newInstall, type TestRedis, useRedis } from '../support/redis.ts';
import { bringToLife } from './life.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const levels = { reporter: 20, developer: 30, maintainer: 40 };
export type Role = keyof typeof levels | 'outsider';

export interface Ui {
  ekiden: Ekiden;
  gitlab: GitLabStandIn;
  /** With the base path, where there is one. */
  url: string;
  project: number;
  tokens: Record<Role, string>;
  logged(): string;
  /** A page in a browser of its own, signed in where a role is given; it is closed after the test. */
  open(role?: Role, options?: BrowserContextOptions): Promise<Page>;
}

/** For the tests of a file; `base` is the path below which Ekiden is reached. */
export function useUi({ base = '' } = {}): Ui {
  const redis = useRedis();
  const ui = {} as Ui;
  let stop = async () => {};
  beforeAll(async () => {
    const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'ui-'));
    const browser = await launchChromium();
    const started = await startUi({ redis, data, base });
    Object.assign(ui, started.ui, { open: createOpen(browser, started.ui) });
    stop = async () => {
      await browser.close();
      await started.stop();
      await rm(data, { recursive: true, force: true });
    };
  });
  afterAll(() => stop());
  return ui;
}

async function startUi({ redis, data, base }: { redis: TestRedis; data: string; base: string }) {
  const gitlab = await startGitLab({ data: join(data, 'gitlab') });
  const { id: project } = await gitlab.createProject({ path: 'shop/front' });
  const people = Object.entries(levels).map(([username, accessLevel]) => [
    username,
    gitlab.createUser({ username, name: 'Ada Byron', projectId: project, accessLevel }).token,
  ]);
  const outsider = gitlab.createUser({ username: 'outsider' }).token;
  const [listen = ''] = await freeAddresses(1);
  const url = `http://${listen}${base}`;
  const lines: string[] = [];
  const config = {
    ...configOf({ redis, install: newInstall(), data, gitlabUrl: gitlab.url }),
    ...{ gitlabToken: gitlab.token, listen, url },
  };
  const ekiden = createEkiden(config, logInto(lines));
  await poll(async () => (await ekiden.isReady()) || undefined, { within: 30_000, what: 'Redis' });
  await bringToLife(ekiden, project);
  const onDelivery = () => Promise.reject(new Error('no hook is sent here'));
  const server = await startServer({ ekiden, hookSecret: 'secret', onDelivery });
  const tokens = { ...Object.fromEntries(people), outsider } as Record<Role, string>;
  return {
    ui: { ekiden, gitlab, url, project, tokens, logged: () => lines.join('\n') },
    async stop() {
      await server.stop();
      await ekiden.close();
      await gitlab.stop();
    },
  };
}

function createOpen(browser: Browser, ui: Omit<Ui, 'open'>): Ui['open'] {
  return async (role, options) => {
    const context = await browser.newContext(options);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const broken: string[] = [];
    page.on('pageerror', (error) => broken.push(String(error)));
    page.on('console', (message) => {
      // What the content security policy stops is told here, among others.
      if (/Content Security Policy|Refused to/i.test(message.text())) broken.push(message.text());
    });
    onTestFinished(() => expect(broken).toEqual([]));
    if (role) await context.addCookies([await sessionOf(ui, role)]);
    return page;
  };
}

/** The cookie that signing in would give. */
async function sessionOf({ ekiden, url, tokens }: Omit<Ui, 'open'>, role: Role) {
  const caller = await ekiden.access.identify({ kind: 'token', value: tokens[role] });
  const value = await ekiden.access.openSession(caller);
  return { name: 'ekiden_session', value, url, httpOnly: true };
}

export async function signIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Access token of GitLab').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** Asks again for as long as a browser on a busy machine may take. */
export function soon<T>(ask: () => T) {
  return expect.poll(ask, { timeout: 30_000 });
}

/** What axe finds that keeps people out, each with where it is. */
export async function barriers(page: Page): Promise<string[]> {
  // Evaluated from outside the page, so that its policy about scripts stays as it is.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

interface AxeResults {
  violations: { id: string; nodes: { html: string }[] }[];
}
