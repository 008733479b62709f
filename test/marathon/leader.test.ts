/** Marathon's LeaderIntegrationTest, with the one node that there is. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { type Json, useMarathon } from './marathon.ts';

const marathon = useMarathon();

const ids = (tasks: Json[]) => tasks.map(({ id }) => id).sort();

describe('Marathon', () => {
  it('all nodes return the same leader', async () => {
    const { leader } = await marathon.ok('GET', '/v2/leader');
    expect(leader).toMatch(/^[^/]+:\d+$/);
    expect((await marathon.ok('GET', '/v2/info')).leader).toBe(leader);
  });

  it('all nodes return a redirect on GET /', async () => {
    const { status, headers } = await marathon.api('GET', '/');
    expect(status).toBe(302);
    expect(new URL(headers.get('location') ?? '', marathon.url).pathname).toBe('/ui/');
  });
});

describe('Abdication', () => {
  it('the leader abdicates and dies when it receives a DELETE', async () => {
    await marathon.restart();
  });

  it('it survives a small reelection test', async () => {
    const group = marathon.group();
    for (const round of [1, 2, 3]) {
      await marathon.restart();
      await marathon.deployed('POST', '/v2/apps', app(`${group}/app-${round}`));
    }
    const { apps } = await marathon.ok('GET', `/v2/groups${group}`);
    expect(apps).toHaveLength(3);
  });

  describe('of an idle leader should', () => {
    it('keep all running apps alive', async () => {
      const { id, before } = await runningApp();
      await marathon.restart();
      expect(ids(await marathon.running(id, 2))).toEqual(before);
    });
  });

  describe('several times in a row should', () => {
    it('keep all running apps alive', async () => {
      const { id, before } = await runningApp();
      for (let round = 0; round < 2; round++) {
        await marathon.restart();
      }
      expect(ids(await marathon.running(id, 2))).toEqual(before);
    });
  });

  describe('during a deployment should', () => {
    it('keep all running apps alive', async () => {
      const { id, before } = await runningApp();
      const { deploymentId } = await marathon.ok('PUT', `/v2/apps${id}`, { instances: 3 });
      await marathon.restart();
      await marathon.finished(deploymentId);
      expect(ids(await marathon.running(id, 3))).toEqual(expect.arrayContaining(before));
    });
  });
});

async function runningApp(): Promise<{ id: string; before: string[] }> {
  const id = `${marathon.group()}/app`;
  await marathon.deployed('POST', '/v2/apps', app(id, { instances: 2 }));
  return { id, before: ids(await marathon.running(id, 2)) };
}
