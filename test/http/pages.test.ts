/** The pages that statuses link to: for people as HTML, for programs as JSON, and errors as problems. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { createEkiden } from '../../src/ekiden.ts';
import { startServer } from '../../src/http/server.ts';
import { configOf, logInto } from '../hooks/door.ts';
import { makeFolder, newInstall, useRedis } from '../support/redis.ts';
import { sampleBuild, sampleDeployment } from '../support/samples.ts';

const redis = useRedis();
const asJson = { headers: { Accept: 'application/json' } };
const asHtml = { headers: { Accept: 'text/html,*/*;q=0.8' } };

async function open(templates?: string) {
  const lines: string[] = [];
  const config = configOf({ redis, install: newInstall(), data: await makeFolder() });
  const ekiden = createEkiden(config, logInto(lines));
  if (templates) ekiden.templates = templates;
  const onDelivery = () => Promise.reject(new Error('no hook is sent here'));
  const server = await startServer({ ekiden, hookSecret: 'secret', onDelivery });
  onTestFinished(() => server.stop().then(() => ekiden.close()));
  const get = (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { ekiden, get, lines };
}

test('a build is shown with its deployments, its log and its legs', async () => {
  const { ekiden, get } = await open();
  await ekiden.builds.create(
    sampleBuild({ reason: 'exit code 1', deployments: ['d1', 'gone'], projectPath: 'shop/front' }),
  );
  await ekiden.deployments.create(sampleDeployment());
  const log = await ekiden.buildLogs.open('b1');
  log.write('step 1\n');
  await log.close();
  const view = await (await get('/builds/b1', asJson)).json();
  expect(view).toMatchObject({
    id: 'b1',
    state: 'queued',
    reason: 'exit code 1',
    projectPath: 'shop/front',
    milliseconds: { hook: 1 },
    deployments: [{ id: 'd1', service: 'web', addresses: ['http://front.localhost'] }],
    log: 'step 1\n',
  });
  const page = await get('/builds/b1', asHtml);
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(await page.text()).toContain('exit code 1');
  expect(await (await get('/builds/b1/log')).text()).toBe('step 1\n');
});

test('a deployment is shown', async () => {
  const { ekiden, get } = await open();
  await ekiden.deployments.create(sampleDeployment({ state: 'failed', reason: 'never healthy' }));
  expect(await (await get('/deployments/d1', asJson)).json()).toMatchObject({
    id: 'd1',
    app: '/shop/front/production/web',
    state: 'failed',
    reason: 'never healthy',
    release: null,
  });
  expect(await (await get('/deployments/d1', asHtml)).text()).toContain('never healthy');
});

test('what others wrote is text, never markup', async () => {
  const { ekiden, get } = await open();
  const script = '<script>alert(1)</script>';
  await ekiden.builds.create(sampleBuild({ ref: `refs/heads/${script}`, reason: script }));
  await ekiden.deployments.create(sampleDeployment({ reason: script, addresses: [script] }));
  const log = await ekiden.buildLogs.open('b1');
  log.write(script);
  await log.close();
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
])('the address %j is a link only where it leads to a site', async (address, shown) => {
  const { ekiden, get } = await open();
  await ekiden.deployments.create(sampleDeployment({ addresses: [address] }));
  expect(await (await get('/deployments/d1', asHtml)).text()).toContain(shown);
});

test('a page shows the end of a long log, and the log itself is streamed whole', async () => {
  const { ekiden, get } = await open();
  await ekiden.builds.create(sampleBuild());
  const log = await ekiden.buildLogs.open('b1');
  log.write(`begin ${'x'.repeat(5_000_000)} end`);
  await log.close();
  ekiden.buildLogs.read = () => Promise.reject(new Error('nothing reads the whole log'));
  const view = (await (await get('/builds/b1', asJson)).json()) as { log: string };
  expect(view.log).toMatch(/^x+ end$/);
  expect(view.log).toHaveLength(200_000);
  const whole = await get('/builds/b1/log');
  expect(whole.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(whole.headers.get('x-content-type-options')).toBe('nosniff');
  const text = await whole.text();
  expect(text).toHaveLength(5_000_010);
  expect(text.startsWith('begin x')).toBe(true);
});

test('who leaves in the middle of a log leaves nothing open', async () => {
  const { ekiden, get, lines } = await open();
  const log = await ekiden.buildLogs.open('b1');
  log.write('x'.repeat(20_000_000));
  await log.close();
  const taken: Readable[] = [];
  const { stream } = ekiden.buildLogs;
  ekiden.buildLogs.stream = async (id) => {
    const one = await stream(id);
    if (one) taken.push(one);
    return one;
  };
  const leave = new AbortController();
  await get('/builds/b1/log', { signal: leave.signal });
  leave.abort();
  await expect.poll(() => taken.map((one) => one.closed)).toEqual([true]);
  expect(lines).toEqual([]);
});

test.each(['/builds/none', '/builds/none/log', '/deployments/none', '/nowhere', '/hooks/gitlab/x'])(
  '%s is 404, said as a problem',
  async (path) => {
    const { get } = await open();
    const answer = await get(path, asHtml);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ status: 404, code: 'E_NOT_FOUND' });
  },
);

test.each(['/builds/%E0%A4%A', '/builds/..%2F..%2Fsecret/log', '/builds/%00/log'])(
  'the odd address %s is the fault of who asks',
  async (path) => {
    const { get } = await open();
    const { status } = await get(path);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  },
);

test('what fails inside is in the log and not in the answer', async () => {
  const { ekiden, get, lines } = await open();
  await ekiden.builds.create(sampleBuild());
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
  const { ekiden, get, lines } = await open(templates);
  await ekiden.builds.create(sampleBuild());
  expect((await get('/builds/b1', asHtml)).status).toBe(500);
  expect(lines.join()).toContain('nothing_of_this_name');
  expect((await get('/builds/b1', asJson)).status).toBe(200);
});

test('the home page is there, and nothing says which framework answers', async () => {
  const { get } = await open();
  const answer = await get('/');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-powered-by')).toBeNull();
});
