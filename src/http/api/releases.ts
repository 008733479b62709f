/** Endpoints about releases: which there are, what is different between two, what a deployment would change. */
import { z } from 'zod';
import type { Ekiden } from '../../ekiden.ts';
import { endpoint } from './endpoint.ts';
import { environmentParams, missing, projectParams } from './names.ts';
import * as schemas from './release-schemas.ts';
import { viewOfRelease, viewOfServiceRelease } from './release-views.ts';
import { pageOf, paging } from './schemas.ts';

const path = '/projects/{project}/environments/{environment}';

const number = z.coerce.number().int().positive().max(1_000_000_000);

const releaseParams = environmentParams.extend({ release: number });

export const listReleases = endpoint({
  method: 'get',
  path: `${path}/releases`,
  id: 'listReleases',
  tag: 'Releases',
  summary: 'Releases of an environment that are kept, newest first',
  needs: 'look',
  params: environmentParams,
  query: paging,
  answer: { description: 'One page.', schema: pageOf(schemas.release, 'EnvironmentRelease') },
  async handle({ ekiden, project, params: { environment }, query: { limit, cursor } }) {
    const where = { project, environment };
    const page = await ekiden.releaseHistory.list(where, { limit, ...(cursor ? { cursor } : {}) });
    const items = page.items.map((each) => viewOfRelease(each, ekiden.config.url));
    return { items, ...(page.next ? { next: page.next } : {}) };
  },
});

export const readRelease = endpoint({
  method: 'get',
  path: `${path}/releases/{release}`,
  id: 'readRelease',
  tag: 'Releases',
  summary:
    'A release: image, variables by name, resources, fragments and definition of each service',
  needs: 'look',
  params: releaseParams,
  answer: { description: 'It never changes but in how it stands.', schema: schemas.releaseDetail },
  async handle({ ekiden, project, params: { environment, release } }) {
    const found = await ekiden.releaseHistory.find({ project, environment }, release);
    if (!found) throw missing('release');
    return {
      ...viewOfRelease(found, ekiden.config.url),
      services: found.services.map(viewOfServiceRelease),
    };
  },
});

export const diffReleases = endpoint({
  method: 'get',
  path: `${path}/diff`,
  id: 'diffReleases',
  tag: 'Releases',
  summary: 'What is different between what an environment had at two releases',
  needs: 'look',
  params: environmentParams,
  query: z.object({
    from: number.optional().meta({ description: 'Default: the one before `to`.' }),
    to: number.optional().meta({ description: 'Default: the newest that runs.' }),
  }),
  answer: { description: 'Services that are the same are left out.', schema: schemas.diff },
  others: { 409: 'One of the two is not kept.' },
  async handle({ ekiden, project, params: { environment }, query: { from, to } }) {
    const found = await ekiden.releaseHistory.diff(
      { project, environment },
      { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
    );
    return { ...found, ...(await comparisonLink(ekiden, project, found.sha)) };
  },
});

/** GitLab's own page of what lies between two commits. */
async function comparisonLink(
  { projects }: Pick<Ekiden, 'projects'>,
  project: number,
  { from, to }: { from: string; to: string },
): Promise<{ comparison?: string }> {
  if (from === to) return {};
  const url = (await projects.find(String(project)))?.webUrl;
  return url === undefined ? {} : { comparison: `${url}/-/compare/${from}...${to}` };
}

export const planDeployment = endpoint({
  method: 'post',
  path: `${path}/plan`,
  id: 'planDeployment',
  tag: 'Releases',
  summary: 'What a deployment or a rollback would change; changes nothing',
  needs: 'look',
  params: environmentParams,
  body: z
    .object({
      services: z.array(z.string()).min(1).optional().meta({ description: 'Default: all.' }),
      build: z.string().optional().meta({ description: 'Default: the image that runs.' }),
      release: z.int().positive().optional().meta({ description: 'For a rollback to it.' }),
      force: z.boolean().optional().meta({ description: 'As a rollback takes it.' }),
    })
    .strict()
    .refine(({ build, release }) => build === undefined || release === undefined, {
      message: 'takes a build or a release',
    })
    .meta({ id: 'WantedPlan' }),
  answer: { description: 'Service by service.', schema: schemas.plan },
  others: { 409: 'There is nothing to deploy, or no such release to go back to.' },
  handle: async ({ ekiden, project, params: { environment }, body }) =>
    ekiden.releaseHistory.plan({ ...withoutUndefined(body), project, environment }),
});

export const rebuildReleases = endpoint({
  method: 'post',
  path: '/projects/{project}/releases/rebuild',
  id: 'rebuildReleases',
  tag: 'Releases',
  summary: 'Makes lost records of releases again of what Marathon and GitLab know',
  needs: 'configure',
  params: projectParams,
  answer: {
    description: 'How many were made; those that are there stay as they are.',
    schema: z.object({ releases: z.int() }).meta({ id: 'RebuiltReleases' }),
  },
  handle: async ({ ekiden, project }) => ({
    releases: await ekiden.releaseHistory.rebuild(project),
  }),
});

function withoutUndefined<T extends object>(given: T) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]: Exclude<T[Name], undefined>;
  };
}
