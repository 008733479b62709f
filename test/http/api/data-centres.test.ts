/** What anybody who is signed in is told of data centres, by the API and on a terminal. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { runCommand } from '../../runners/commands/terminal.ts';
import { useRedis } from '../../support/redis.ts';
import { openApi } from './rig.ts';

const redis = useRedis();

/** A Marathon with one app of two instances, one of which runs, for whoever knows the password. */
async function startMarathon(): Promise<string> {
  const app = { id: '/a', version: '1', instances: 2, tasks: [{ id: 't', appId: '/a' }] };
  const tasks = [{ ...app.tasks[0], state: 'TASK_RUNNING' }];
  const server = createServer(({ url = '', headers }, response) => {
    const isKnown = headers.authorization === `Basic ${btoa('anna:s3cret')}`;
    if (!isKnown) return response.writeHead(401).end('{}');
    const info = { name: 'marathon', version: '1.10.26', leader: 'm1:8080' };
    const body = url.startsWith('/v2/info') ? info : { apps: [{ ...app, tasks }] };
    return response.end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function openBoth() {
  const address = await startMarathon();
  const dataCentres = {
    paris: { addresses: [`http://anna:s3cret@${address}`] },
    oslo: { addresses: ['http://127.0.0.1:9'], credentials: { token: 't0ken' } },
  };
  const api = await openApi({ redis, settings: { dataCentres, defaultDataCentres: ['paris'] } });
  const syncs = [
    { dataCentre: 'paris', syncedAt: Date.now() - 5.5 * 60_000, streamAt: Date.now() },
    { dataCentre: 'oslo', syncedAt: Date.now() - 600_000, awaySince: Date.now() - 500_000 },
  ];
  const { balancers } = api.ekiden as unknown as { balancers: Balancers };
  await balancers.report('b1', [], { dataCentres: ['paris', 'oslo'], syncs });
  await balancers.report('b2', [], { dataCentres: ['oslo'], syncs: [] });
  return { ...api, address };
}

interface Balancers {
  report(name: string, apps: [], following: object): Promise<void>;
}

test('each is told with its state, and no secret', async () => {
  const { call, tokens, address } = await openBoth();
  const { body, text } = await call('GET', '/data-centres', { token: tokens.outsider });
  const [first, second] = (body as { items: { awaySince: string }[] }).items;
  expect(first).toMatchObject({
    ...{ name: 'paris', isDefault: true, state: 'up', version: '1.10.26', leader: 'm1:8080' },
    ...{ addresses: [`http://[REDACTED]@${address}`], apps: 1 },
    instances: { wanted: 2, running: 1 },
    balancers: [{ balancer: 'b1', isOld: true, streamAt: expect.any(String) }],
  });
  expect(second).toMatchObject({
    ...{ name: 'oslo', isDefault: false, state: 'away', addresses: ['http://127.0.0.1:9'] },
    reason: expect.stringContaining('ECONNREFUSED'),
    balancers: [
      { balancer: 'b1', isOld: true },
      { balancer: 'b2', isOld: true },
    ],
  });
  // A balancer noticed it long before this process did.
  expect(Date.now() - Date.parse(second?.awaySince ?? '')).toBeGreaterThan(400_000);
  expect(text).not.toMatch(/s3cret|t0ken/);
  expect((await call('GET', '/data-centres')).status).toBe(401);
});

test('ekiden dc shows them as a table', async () => {
  const { url, tokens, address } = await openBoth();
  const { out, code } = await runCommand({ url, token: tokens.reporter }, ['dc']);
  expect(code).toBe(0);
  const lines = out.split('\n').map((line) => line.replace(/ {2,}/g, ' | ').trim());
  expect(lines.slice(0, 3)).toEqual([
    'NAME | STATE | MARATHON | LEADER | APPS | INSTANCES | SYNCED | ADDRESSES',
    `paris (default) | up | 1.10.26 | m1:8080 | 1 | 1/2 | 5 min ago | http://[REDACTED]@${address}`,
    'oslo | away | never | http://127.0.0.1:9',
  ]);
  expect(lines[3]).toMatch(
    /^\| oslo, away since 8 min ago: Marathon at http:\/\/127.0.0.1:9 cannot/,
  );
});

test('/metrics and /readyz name each', async () => {
  const { url } = await openBoth();
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/sync_age_seconds\{data_centre="oslo",balancer="b1"\} 6\d\d/);
  // A part has a second to answer, which passes at times on a busy machine.
  const ready = async () => (await fetch(`${url}/readyz`)).json();
  await expect.poll(ready).toMatchObject({
    parts: { 'marathon paris': { state: 'up' }, 'marathon oslo': { state: 'down' } },
  });
});
