/** The launch queue: what does not fit waits, says why, and starts when room comes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, plain, startTestEngine, type TestEngine, until } from './harness.ts';
import { expectType } from './schema.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await startTestEngine({ cpus: 1, mem: 200, attributes: 'rack:a' });
});
afterAll(() => engine.close());

async function item(id: string, query = ''): Promise<Json> {
  const { body } = await engine.api('GET', `/v2/queue${query}`);
  expectType('queue.Queue', body);
  return body.queue.find(({ app }: Json) => app.id === id);
}

/** The reasons that count in the last offer. */
async function declined(id: string): Promise<string[]> {
  const steps = (await item(id))?.processedOffersSummary.rejectSummaryLastOffers ?? [];
  return steps.filter((step: Json) => step.declined > 0).map(({ reason }: Json) => reason);
}

async function waitsFor(id: string, reason: string): Promise<void> {
  await until(async () => (await declined(id))[0] === reason || (await item(id)));
}

describe('an app that the node cannot take', () => {
  it.each([
    ['InsufficientCpus', { cpus: 1.5 }],
    ['InsufficientMemory', { mem: 1000 }],
    ['InsufficientDisk', { disk: 1e12 }],
    ['InsufficientGpus', { gpus: 1 }],
    ['UnfulfilledConstraint', { constraints: [['rack', 'CLUSTER', 'b']] }],
    ['UnfulfilledRole', { acceptedResourceRoles: ['public'] }],
  ])('waits in the queue for %s while its deployment hangs', async (reason, more) => {
    const id = `/waits/${reason.toLowerCase()}`;
    const { body } = await engine.api('POST', '/v2/apps', { ...plain(id), ...more });
    await waitsFor(id, reason);
    expect(await engine.tasks(id)).toEqual([]);
    expect(await item(id, '?embed=lastUnusedOffers')).toMatchObject({
      count: 1,
      delay: { timeLeftSeconds: 0, overdue: true },
      lastUnusedOffers: [{ reason: [reason], offer: { hostname: '127.0.0.1' } }],
    });
    expect((await item(id)).lastUnusedOffers).toBeUndefined();
    const { body: deployments } = await engine.api('GET', '/v2/deployments');
    expect(deployments.map((one: Json) => one.id)).toContain(body.deployments[0].id);
    await engine.api('DELETE', `/v2/apps${id}`);
    await engine.settled(id);
    expect(await item(id)).toBeUndefined();
  });
});

it('refuses more instances than any node could ever take', async () => {
  const { status, body } = await engine.api('POST', '/v2/apps', {
    ...plain('/all'),
    instances: 1e9,
  });
  const details = [{ path: '/instances', errors: ['is greater than 10000'] }];
  expect([status, body]).toEqual([422, { message: 'Object is not valid', details }]);
  await engine.api('POST', '/v2/apps', { ...plain('/times/all'), cpus: 4, instances: 20 });
  const times = await engine.api('PUT', '/v2/groups/times?force=true', { scaleBy: 1e8 });
  expect([times.status, times.body.details]).toEqual([422, details]);
  await engine.api('DELETE', '/v2/groups/times?force=true');
  await engine.settled('/times/all');
});

describe('an app that finds no room', () => {
  it('may ask for thousands of instances without holding others up', async () => {
    const crowd = { ...plain('/crowd'), cpus: 4, instances: 5000 };
    await engine.api('POST', '/v2/apps', crowd);
    await waitsFor('/crowd', 'InsufficientCpus');
    const { count, processedOffersSummary } = await item('/crowd');
    expect(count).toBe(5000);
    // Alike as they are, they decline an offer together.
    expect(processedOffersSummary.processedOffersCount).toBeLessThan(100);
    await engine.api('POST', '/v2/apps', plain('/small'));
    await engine.settled('/small');
    for (const id of ['/crowd', '/small']) await engine.api('DELETE', `/v2/apps${id}`);
    await engine.settled('/crowd');
    await engine.settled('/small');
  });

  it('starts when another one goes', async () => {
    await engine.api('POST', '/v2/apps', { ...plain('/room/first'), mem: 150 });
    await engine.settled('/room/first');
    await engine.api('POST', '/v2/apps', { ...plain('/room/second'), mem: 150 });
    await waitsFor('/room/second', 'InsufficientMemory');
    await engine.api('DELETE', '/v2/apps/room/first');
    await engine.settled('/room/second');
    expect(await engine.tasks('/room/second')).toHaveLength(1);
    expect(await item('/room/second')).toBeUndefined();
    await engine.api('DELETE', '/v2/apps/room/second');
    await engine.settled('/room/second');
  });

  it('is let in by a smaller definition', async () => {
    await engine.api('POST', '/v2/apps', { ...plain('/large'), cpus: 4, instances: 2 });
    await waitsFor('/large', 'InsufficientCpus');
    expect((await item('/large')).count).toBe(2);
    await engine.api('PUT', '/v2/apps/large?force=true', { cpus: 0.1 });
    await engine.settled('/large');
    expect(await engine.tasks('/large')).toHaveLength(2);
    await engine.api('DELETE', '/v2/apps/large');
    await engine.settled('/large');
  });
});
