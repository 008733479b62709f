/** Commands that look: what they print is what the API told. */
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Follow, LogFiles } from '../../../src/core/log-file.ts';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild, sampleDeployment } from '../../support/samples.ts';
import { instanceId, openTerminal, type Terminal } from './terminal.ts';

const redis = useRedis();

async function withHistory() {
  const terminal = await openTerminal(redis);
  const { api } = terminal;
  const { project } = api;
  const ended = { reason: 'step 3\u001b[31m failed', createdAt: Date.now() - 5 * 60_000 };
  await api.ekiden.builds.create(sampleBuild({ project, state: 'failed', ...ended }));
  await api.ekiden.deployments.create(
    sampleDeployment({
      project,
      release: 7,
      state: 'succeeded',
      createdAt: Date.now() - 9 * 60_000,
    }),
  );
  return terminal;
}

test('status shows services, deployments and builds as tables', async () => {
  const { run, service } = await withHistory();
  service.health = 'degraded';
  service.reason = '1 of 2 instances are healthy: listens on 3000, checked 8080';
  service.release = { number: 7, sha: 'a'.repeat(40), build: 'b1', image: 'i', createdAt: 1 };
  const { out, code } = await run('status', 'shop/front');
  expect(code).toBe(0);
  const [title, ...rest] = out.split('\n');
  expect(title).toMatch(/^shop\/front {2}http:\/\/\S+\/projects\/shop\/front$/);
  expect(rest.join('\n')).toBe(`
ENVIRONMENT  SERVICE  HEALTH    INSTANCES  RELEASE  COMMIT        ADDRESS
production   web      degraded  1/1        7        aaaaaaaaaaaa  http://shop-front.localhost:8000/
  production/web: 1 of 2 instances are healthy: listens on 3000, checked 8080

DEPLOYMENT      STATE      RELEASE  COMMIT        WHEN       BY    REASON
production/web  succeeded  7        aaaaaaaaaaaa  9 min ago  push

BUILD  STATE   REF   COMMIT        WHEN       TOOK  REASON
b1     failed  main  aaaaaaaaaaaa  5 min ago  0 s   step 3 [31m failed
`);
});

test('status tells what holds pushes, and how it is in each data centre', async () => {
  const { run, service, api } = await withHistory();
  const counts = { ...service.instances, wanted: 2, healthy: 2 };
  service.places = [
    { dataCentre: 'paris', release: 7, instances: counts },
    { dataCentre: 'oslo', awaySince: Date.now() - 5 * 60_000, reason: 'no answer' },
  ];
  const where = { project: api.project, environment: 'production', by: 'ada' };
  await api.ekiden.switches.freeze({ ...where, reason: 'the sale' });
  const { out } = await run('status', 'shop/front');
  expect(out).toContain(`
  production/web in paris: 2/2 healthy, release 7
  production/web in oslo: away since 5 min ago, no answer
  production is frozen by ada until somebody ends it: the sale
`);
});

test('status shows one environment alone, also one where nothing runs', async () => {
  const { run, api } = await withHistory();
  expect((await run('status', 'shop/front', '--env', 'production')).out).not.toContain('BUILD');
  await api.ekiden.deployments.create(
    sampleDeployment({ id: 'd2', project: api.project, environment: 'staging', state: 'failed' }),
  );
  const { out } = await run('status', 'shop/front', '--env', 'staging');
  expect(out).toContain('Nothing runs in staging.');
  expect(out).not.toContain('production');
});

test.each([[[]], [['--instances']], [['--json']]])(
  'status %j refuses an environment of which nothing is known, and names what there is',
  async (more) => {
    const { run, api } = await openTerminal(redis);
    expect(await run('status', 'shop/front', '--env', 'nope', ...more)).toEqual({
      ...{ code: 1, out: '' },
      err: 'Nothing is known of nope.\nName with --env what there is: production.\n',
    });
    api.ekiden.services = { ...api.ekiden.services, ofProject: async () => [] };
    const { err } = await run('status', 'shop/front', '--env', 'nope', ...more);
    expect(err).toContain('Nothing was deployed yet: push');
  },
);

test.each([['status'], ['builds']])("%s --json is the API's own answer", async (command) => {
  const { run, api } = await withHistory();
  const path = command === 'status' ? '' : '/builds?limit=20';
  const { body } = await api.call('GET', `/projects/shop%2Ffront${path}`, {
    token: api.tokens.owner,
  });
  expect(JSON.parse((await run(command, 'shop/front', '--json')).out)).toEqual(body);
});

test('builds are as many as wanted', async () => {
  const { run, api } = await openTerminal(redis);
  expect((await run('builds', 'shop/front')).out).toBe('Nothing was built.\n');
  for (const id of ['b1', 'b2', 'b3']) {
    const createdAt = Date.now() - Number(id.slice(1)) * 1_000;
    await api.ekiden.builds.create(sampleBuild({ project: api.project, id, createdAt }));
  }
  const { out } = await run('builds', 'shop/front', '--limit', '2');
  expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual(['BUILD', 'b1', 'b2', '']);
  expect(await run('builds', 'shop/front', '--limit', 'x')).toMatchObject({
    code: 1,
    err: '--limit is to be a whole number from 1 on, and not x.\n',
  });
});

test('whoever may not look is told so in words', async () => {
  const { runAs, api } = await openTerminal(redis);
  expect(await runAs(api.tokens.outsider, 'status', 'shop/front')).toMatchObject({
    code: 1,
    err: expect.stringContaining('There is no such project.'),
  });
  expect(await runAs('wrong', 'status', 'shop/front')).toMatchObject({
    code: 1,
    err: expect.stringContaining('Set EKIDEN_TOKEN to an access token of GitLab'),
  });
});

async function withLog({ api }: Terminal, text: string) {
  await api.ekiden.builds.create(sampleBuild({ project: api.project }));
  const log = api.ekiden.buildLogs.open('b1');
  log.write(text);
  await log.close();
  return log;
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index} 駅\n`).join('');

test.each([
  [[], lines(0, 20_000)],
  [['--tail', '3'], lines(19_997, 20_000)],
  [['--tail', '15000'], lines(5_000, 20_000)],
  [['--tail', '30000'], lines(0, 20_000)],
  [['--tail', '0'], ''],
  [['--tail', 'all'], lines(0, 20_000)],
])('logs show of a build %j', async (args, wanted) => {
  const terminal = await openTerminal(redis);
  await withLog(terminal, lines(0, 20_000));
  const { out, code } = await terminal.run('logs', 'shop/front', '--build', 'b1', ...args);
  expect([code, out === wanted, out.length]).toEqual([0, true, wanted.length]);
});

test('logs follow the last build to its end', async () => {
  const terminal = await openTerminal(redis);
  const log = await withLog(terminal, 'one\ntwo\n');
  const { builds } = terminal.api.ekiden;
  const following = terminal.run('logs', 'shop/front', '--build', '-f');
  log.write('three\n');
  await log.close();
  await builds.end('b1', 'succeeded');
  expect((await following).out).toBe('one\ntwo\nthree\n');
});

test('logs of nothing are told as that', async () => {
  const { run } = await openTerminal(redis);
  expect(await run('logs', 'shop/front', '--build')).toMatchObject({
    code: 1,
    err: 'Nothing was built yet.\nPush.\n',
  });
  expect(await run('logs', 'shop/front', '--env', 'staging')).toMatchObject({
    code: 1,
    err: 'Nothing runs in staging.\nSomething runs in production; name one with --env.\n',
  });
  expect(await run('logs', 'shop/front', '--json')).toMatchObject({ code: 1 });
});

const second = instanceId.replace('6b1c8f2e', '7c2d9f3f');

/** Log files in memory; a follower is given more until it leaves. */
function filesOf(texts: Record<string, string>): LogFiles {
  const find = (instance: string, path: string) => texts[`${instance} ${path}`];
  return {
    async list(instance) {
      return Object.keys(texts)
        .filter((key) => key.startsWith(instance))
        .map((key) => ({
          ...{ path: key.split(' ')[1] ?? '', size: Buffer.byteLength(texts[key] ?? '') },
          modifiedAt: 0,
        }));
    },
    async open(instance, path, range) {
      const text = find(instance, path);
      if (text === undefined) return undefined;
      const bytes = Buffer.from(text).subarray(range?.start, (range?.end ?? Infinity) + 1);
      const file = { path, size: Buffer.byteLength(text), modifiedAt: 0 };
      return { file, identity: 'i', bytes: Readable.from([bytes]) };
    },
    async *follow(instance, path, { from = 0 }: Follow) {
      const bytes = Buffer.from(find(instance, path) ?? '').subarray(from);
      yield { type: 'position', identity: 'i', offset: from };
      if (bytes.length > 0) yield { type: 'data', bytes };
      yield { type: 'data', bytes: Buffer.from('more\n') };
      yield { type: 'end', reason: 'the instance has ended' };
    },
  };
}

function withFiles({ api, service }: Terminal, isPair = true) {
  const [first] = service.list;
  if (first && isPair) service.list = [{ ...first, id: second }, first];
  api.ekiden.logFiles = filesOf({
    [`${instanceId} stdout`]: 'hello\nfrom one',
    [`${second} stdout`]: 'hello\nfrom two\n',
    [`${instanceId} logs/app.log`]: 'written\n',
  });
}

test('logs of several instances have a name before each line', async () => {
  const terminal = await openTerminal(redis);
  withFiles(terminal);
  expect((await terminal.run('logs', 'shop/front', '--tail', '1')).out).toBe(
    '6b1c8f2e | from one\n7c2d9f3f | from two\n',
  );
  expect((await terminal.run('logs', 'shop/front', '--instance', '7c2d')).out).toBe(
    'hello\nfrom two\n',
  );
  expect((await terminal.run('logs', 'shop/front', '--instance', '_app.1')).err).toContain(
    '_app.1 is a part of several ids',
  );
});

test('logs are those of a file, and tell where it is not there', async () => {
  const terminal = await openTerminal(redis);
  withFiles(terminal);
  expect(await terminal.run('logs', 'shop/front', '--file', 'logs/app.log')).toMatchObject({
    out: '6b1c8f2e | written\n',
    err: '7c2d9f3f has no file logs/app.log.\n',
  });
  expect((await terminal.run('logs', 'shop/front', '--files')).out).toBe(
    `${instanceId}\n  stdout  14 bytes\n  logs/app.log  8 bytes\n${second}\n  stdout  15 bytes\n`,
  );
});

test('names of files that an app wrote move no cursor', async () => {
  const terminal = await openTerminal(redis);
  withFiles(terminal, false);
  terminal.api.ekiden.logFiles = filesOf({ [`${instanceId} logs/\u001b]0;x\u0007.log`]: '' });
  expect((await terminal.run('logs', 'shop/front', '--files')).out).toBe(
    `${instanceId}\n  logs/ ]0;x .log  0 bytes\n`,
  );
});

test('logs of a file that is not there yet are waited for from its beginning', async () => {
  const terminal = await openTerminal(redis);
  withFiles(terminal, false);
  const args = ['--instance', '6b1c8f2e', '--file', 'later.log', '-f'];
  expect(await terminal.run('logs', 'shop/front', ...args)).toEqual({
    ...{ code: 0, out: 'more\n' },
    err: '6b1c8f2e has no file later.log yet; it is waited for.\n',
  });
});

test('logs of one instance are followed to its end', async () => {
  const terminal = await openTerminal(redis);
  withFiles(terminal, false);
  const args = ['logs', 'shop/front', '--instance', '6b1c8f2e', '-f', '--tail', '1'];
  expect((await terminal.run(...args)).out).toBe('from onemore\n');
});

test('logs of a service are followed also where instances come, until it is gone', async () => {
  const terminal = await openTerminal(redis);
  withFiles(terminal, false);
  const { ekiden } = terminal.api;
  const following = terminal.run('logs', 'shop/front', '-f');
  const [first] = terminal.service.list;
  if (first) terminal.service.list = [{ ...first, id: second }, first];
  let looks = 0;
  const { find } = ekiden.services;
  ekiden.services.find = async (name) => (++looks > 6 ? undefined : find(name));
  expect(await following).toEqual({
    code: 1,
    out: expect.stringMatching(
      /^6b1c8f2e \| hello\n[\s\S]*7c2d9f3f \| hello\n[\s\S]*7c2d9f3f \| more\n/,
    ),
    err: expect.stringContaining('There is no service web in production.'),
  });
});
