/** Instances as one sees and names them in a terminal. */
import { expect, test } from 'vitest';
import type { Operations } from '../../../src/deploy/operations/operations.ts';
import { useRedis } from '../../support/redis.ts';
import { sampleDeployment } from '../../support/samples.ts';
import { instanceId, openTerminal } from './terminal.ts';

const redis = useRedis();

test('status --instances lists them by the id that kill takes', async () => {
  const { run, service, api } = await openTerminal(redis);
  const [instance] = service.list;
  Object.assign(instance ?? {}, {
    ...{ dataCentre: 'paris', state: 'unhealthy', reason: 'listens on 3000, checked 8080' },
    startedAt: Date.now() - 5 * 60_000,
  });
  const { out } = await run('status', 'shop/front', '--instances');
  expect(out).toBe(
    `ENVIRONMENT  SERVICE  INSTANCE  STATE      STARTED    WHERE            REASON
production   web      6b1c8f2e  unhealthy  5 min ago  paris 127.0.0.1  listens on 3000, checked 8080
`,
  );
  const json = await run('status', 'shop/front', '--instances', '--json');
  expect(JSON.parse(json.out)).toMatchObject([{ service: 'web', items: [{ id: instanceId }] }]);
  await api.ekiden.deployments.create(
    sampleDeployment({ project: api.project, environment: 'staging', state: 'failed' }),
  );
  const elsewhere = await run('status', 'shop/front', '--instances', '--env', 'staging');
  expect(elsewhere).toEqual({ code: 0, out: 'No instance runs in staging.\n', err: '' });
});

test.each([
  ['the beginning that tables show', '6b1c8f2e', instanceId],
  ['the whole id', instanceId, instanceId],
  ['no other part of it', 'web', 'web'],
])('kill names an instance by %s', async (_, typed, meant) => {
  const { run, api, service } = await openTerminal(redis);
  const killed: unknown[] = [];
  api.ekiden.operations = {
    kill: async (_: unknown, wanted: unknown) => {
      killed.push(wanted);
      return service;
    },
  } as unknown as Operations;
  await run('kill', 'shop/front', typed);
  expect(killed).toEqual([{ instance: meant, replace: true, by: 'owner' }]);
});

test('kill asks which of two is meant', async () => {
  const { run, service } = await openTerminal(redis);
  const [instance] = service.list;
  if (instance) service.list.push({ ...instance, id: instance.id.replace('_app.1', '_app.2') });
  expect(await run('kill', 'shop/front', '6b1c8f2e')).toMatchObject({
    code: 1,
    err: expect.stringContaining('6b1c8f2e is a part of several ids'),
  });
});
