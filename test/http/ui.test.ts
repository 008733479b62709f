/** The pages that statuses link to: for people as HTML, for programs as JSON. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { templatesFolder } from '../../src/paths.ts';
import { makeFolder, useRedis } from '../support/redis.ts';
import { sampleBuild, sampleDeployment } from '../support/samples.ts';
import { serviceDetail } from './api/samples.ts';
import { asHtml, asJson, openPages, type PagesOptions } from './ui-rig.ts';

const redis = useRedis();
const open = (options?: PagesOptions) => openPages(redis, options);
const htmlType = 'text/html; charset=utf-8';

describe('a build and a deployment', () => {
  test('are shown to programs as JSON', async () => {
    const { ekiden, get, project } = await open();
    await ekiden.builds.create(
      sampleBuild({ project, reason: 'exit code 1', deployments: ['d1', 'gone'] }),
    );
    await ekiden.deployments.create(sampleDeployment({ project }));
    const log = await ekiden.buildLogs.open('b1');
    log.write('step 1\n');
    await log.close();
    expect(await (await get('/builds/b1', asJson)).json()).toMatchObject({
      ...{ id: 'b1', state: 'queued', reason: 'exit code 1', milliseconds: { hook: 1 } },
      deployments: [{ id: 'd1', service: 'web', addresses: ['http://front.localhost'] }],
      log: 'step 1\n',
    });
    expect(await (await get('/deployments/d1', asJson)).json()).toMatchObject({
      ...{ id: 'd1', app: '/shop/front/production/web', state: 'queued', release: null },
    });
  });

  test('are shown to people as pages', async () => {
    const { ekiden, get, project } = await open();
    await ekiden.builds.create(sampleBuild({ project, reason: 'exit code 1' }));
    await ekiden.deployments.create(sampleDeployment({ project, reason: 'never healthy' }));
    const page = await get('/builds/b1', asHtml);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(await page.text()).toContain('exit code 1');
    expect(await (await get('/deployments/d1', asHtml)).text()).toContain('never healthy');
  });

  test('of a long log show its end', async () => {
    const { ekiden, get, project } = await open();
    await ekiden.builds.create(sampleBuild({ project }));
    const log = await ekiden.buildLogs.open('b1');
    log.write(`begin ${'x'.repeat(5_000_000)} end`);
    await log.close();
    const view = (await (await get('/builds/b1', asJson)).json()) as { log: string };
    expect(view.log).toMatch(/^x+ end$/);
    expect(view.log).toHaveLength(200_000);
  });

  test('show what others wrote as text, never as markup', async () => {
    const { ekiden, get, project } = await open();
    const script = '<script>alert(1)</script>';
    await ekiden.builds.create(
      sampleBuild({ project, ref: `refs/heads/${script}`, reason: script }),
    );
    await ekiden.deployments.create(
      sampleDeployment({ project, reason: script, addresses: [script] }),
    );
    for (const path of ['/builds/b1', '/deployments/d1']) {
      const text = await (await get(path, asHtml)).text();
      expect(text).toContain('&lt;script&gt;');
      expect(text).not.toContain(script);
    }
  });

  test.each([
    ['http://a.test:8088/x', '<a href="http://a.test:8088/x">http://a.test:8088/x</a>'],
    ['https://a.test', '<a href="https://a.test">https://a.test</a>'],
    ['javascript:alert(1)', '<dd>javascript:alert(1)</dd>'],
    ['javascript://http://a%0aalert(1)', '<dd>javascript://http://a%0aalert(1)</dd>'],
    [' https://a.test', '<dd> https://a.test</dd>'],
    ['//a.test', '<dd>//a.test</dd>'],
    ['', '<dd></dd>'],
    [
      `http://a.test/"onclick='x'>`,
      '<a href="http://a.test/&#34;onclick=&#39;x&#39;&gt;">http://a.test/&#34;onclick=&#39;x&#39;&gt;</a>',
    ],
  ])('link to the address %j only where it leads to a site', async (address, shown) => {
    const { ekiden, get, project } = await open();
    await ekiden.deployments.create(sampleDeployment({ project, addresses: [address] }));
    expect(await (await get('/deployments/d1', asHtml)).text()).toContain(shown);
  });
});

test('a build under way says on each page where it is', async () => {
  const { ekiden, get, project } = await open();
  const waiting = { position: 2, expectedSeconds: 50, priority: 1 };
  await ekiden.builds.create(sampleBuild({ project, waiting }));
  const steps = [{ title: 'RUN a', state: 'running' as const, start: 20 }];
  await ekiden.builds.create(sampleBuild({ project, id: 'b2', state: 'running', steps }));
  const words = 'waits for a builder: 2nd in line, about 50 s';
  for (const path of ['/builds/b1', '/projects/shop/front']) {
    expect(await (await get(path, asHtml)).text()).toContain(words);
  }
  const legs = /<th scope="row">(\w+)<.*under way/.exec(
    await (await get('/builds/b2', asHtml)).text(),
  );
  expect(legs?.[1]).toBe('build');
});

describe('a project', () => {
  test('is led to under the name that it has now', async () => {
    const { get, gitlab, project } = await open();
    gitlab.renameProject(project, 'shop/new-front');
    const answer = await get('/projects/shop/front', asHtml);
    expect(answer.headers.get('location')).toBe('/projects/shop/new-front');
    const go = await get('/projects?path=shop/front', asHtml);
    expect(go.headers.get('location')).toBe('/projects/shop/front');
  });

  test.each([
    '/projects/shop/front/',
    '/projects/shop/front//',
    '/projects?path=shop/front/',
    '/projects?path=/shop/front',
    '/projects?path=%20/shop//front/%20',
  ])('is led to from %s, where slashes are too many', async (path) => {
    const { get } = await open();
    expect((await get(path, asHtml)).headers.get('location')).toBe('/projects/shop/front');
  });

  test('has parts whose names belong to one service each', async () => {
    const { ekiden, get, project } = await open();
    const details = [
      serviceDetail({ project, environment: 'staging', service: 'web-api' }),
      serviceDetail({ project, environment: 'staging-web', service: 'api' }),
    ];
    ekiden.services = {
      ofProject: async () => details,
      find: async ({ environment }) => details.find((each) => each.environment === environment),
    };
    const html = await (await get('/projects/shop/front', asHtml)).text();
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toContain('about/staging/web-api');
    expect(ids).toEqual([...new Set(ids)]);
  });

  test.each(['/projects/shop/none', '/projects/..%2F..%2Fuser', '/projects/shop'])(
    '%s is told to be none',
    async (path) => {
      const { get } = await open();
      const answer = await get(path, asHtml);
      expect(answer.status).toBe(404);
      expect(await answer.text()).toContain('There is no such project.');
    },
  );
});

describe('what is not there', () => {
  test.each(['/builds/none', '/deployments/none', '/nowhere', '/assets/none.js', '/builds/b1/log'])(
    '%s is 404: a page for people, a problem for programs',
    async (path) => {
      const { get } = await open();
      const page = await get(path, asHtml);
      expect(page.status).toBe(404);
      expect(page.headers.get('content-type')).toContain('text/html');
      const problem = await get(path, asJson);
      expect(problem.status).toBe(404);
      expect(problem.headers.get('content-type')).toBe('application/problem+json');
      expect(await problem.json()).toMatchObject({ status: 404, code: 'E_NOT_FOUND' });
    },
  );

  test.each(['/builds/%E0%A4%A', '/builds/..%2F..%2Fsecret', '/builds/%00', '/projects/%E0%A4%A'])(
    'the odd address %s is the fault of who asks',
    async (path) => {
      const { get } = await open();
      const { status } = await get(path, asHtml);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    },
  );

  test.each(['/builds/%E0%A4%A', '/projects/%E0%A4%A'])(
    'the odd address %s is told as whoever asks can read it',
    async (path) => {
      const { get } = await open();
      const page = await get(path, asHtml);
      expect([page.status, page.headers.get('content-type')]).toEqual([400, htmlType]);
      expect(await page.text()).toContain('The address is no valid URL.');
      expect(await (await get(path, asJson)).json()).toMatchObject({ code: 'E_ADDRESS' });
    },
  );
});

describe('inside', () => {
  test('what fails is in the log and not in the answer', async () => {
    const { ekiden, get, lines } = await open();
    ekiden.builds.find = () => Promise.reject(new Error('a detail of the inside'));
    const answer = await get('/builds/b1');
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ status: 500, code: 'E_INSIDE' });
    expect(text).not.toContain('detail');
    expect(lines.join()).toContain('a detail of the inside');
  });

  test('a page that someone wrote wrongly fails alone', async () => {
    const templates = await makeFolder();
    await mkdir(join(templates, 'ui'));
    await writeFile(join(templates, 'ui', 'build.liquid'), '{{ nothing_of_this_name }}');
    const { ekiden, get, lines, project } = await open({ templates });
    await ekiden.builds.create(sampleBuild({ project }));
    expect((await get('/builds/b1', asHtml)).status).toBe(500);
    expect(lines.join()).toContain('nothing_of_this_name');
    expect((await get('/builds/b1', asJson)).status).toBe(200);
  });

  test('pages run their own scripts alone, and nothing says which framework answers', async () => {
    const { get } = await open();
    const { headers } = await get('/', asHtml);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("style-src 'self';");
    expect(policy).toContain('ws://ekiden.test');
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

test('all scripts together are far below 60 kB, and browsers keep them', async () => {
  const { get, ask } = await open();
  const html = await (await get('/', asHtml)).text();
  const assets = /\/assets\/\w+/.exec(html)?.[0];
  const scripts = await readdir(join(templatesFolder, 'ui', 'assets'));
  let size = 0;
  for (const name of [...scripts.filter((file) => file.endsWith('.js')), 'uplot.js']) {
    const answer = await ask(`${assets}/${name}`);
    expect(answer.status, name).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-type')).toContain('javascript');
    size += gzipSync(await answer.arrayBuffer()).length;
  }
  expect(size).toBeGreaterThan(20_000);
  expect(size).toBeLessThan(60_000);
  const large = await ask(`${assets}/uplot.js`, { headers: { 'Accept-Encoding': 'gzip' } });
  expect(large.headers.get('content-encoding')).toBe('gzip');
});
