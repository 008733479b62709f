/** The steps between the legs: which fragments a ref uses, until it is gone. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDataCentres } from '../src/clients/data-centres.ts';
import { silent } from '../src/core/log.ts';
import type { Jobs } from '../src/jobs.ts';
import { createSteps } from '../src/legs.ts';
import type { Parts } from '../src/parts.ts';
import { createFakeMarathon } from './fakes/marathon.ts';
import { type RedisStores, startRedisStores } from './fakes/redis-stores.ts';
import { sampleBuild, sampleDeploy } from './support/samples.ts';

let redis: RedisStores;
beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(() => redis.stop());

const file = 'template:node@20.0.0';
const plan = {
  ...{
    dockerfile: 'Dockerfile',
    context: '',
    args: {},
    secrets: {},
    services: [],
    deploy: sampleDeploy,
    jobs: [],
  },
  ...{ environments: ['staging'], warnings: [] },
  fragments: [{ source: 'template:node@20', file, sha256: 'f' }],
};

test('a ref uses what its build took until GitLab shows it no more', async () => {
  const stores = redis.fresh();
  const { fragmentUses, heads } = stores;
  const gitlab = { head: async () => undefined };
  const parts = { config: { install: 'lab' }, log: silent, stores, gitlab };
  const jobs = { endAll: async () => undefined };
  const steps = createSteps(
    {
      ...parts,
      jobs,
      dataCentres: createDataCentres({
        all: [{ name: 'default', marathon: createFakeMarathon() }],
      }),
    } as unknown as Parts & { jobs: Jobs },
    () => 'next',
  );
  const { id, project, ref, sha } = await stores.builds.create(sampleBuild({ plan, order: 1 }));
  await heads.claim({ project, ref, sha, build: id });
  await steps.noteFragments(id);
  await steps.noteFragments('gone');
  const deleted = { type: 'ref.deleted', project, ref } as const;
  await steps.removeApps(deleted);
  expect(await fragmentUses.count('node')).toEqual({ refs: 1, projects: 1 });
  await heads.release(project, ref);
  await steps.removeApps(deleted);
  expect(await fragmentUses.count('node')).toEqual({ refs: 0, projects: 0 });
});
