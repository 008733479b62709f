/** What apps and builds are given of the variables in a GitLab, also where it does not answer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGitLabVariables } from '../../src/clients/gitlab-variables.ts';
import type { Build } from '../../src/core/build.ts';
import type { Release } from '../../src/core/release.ts';
import { createVariables } from '../../src/gitlab/variables.ts';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';
import { sampleBuild, sampleDeploy, sampleDeployment, sampleRelease } from '../support/samples.ts';

let data: string;
let gitlab: GitLabStandIn;
let project: number;
let count = 0;
let last: Release | undefined;

beforeAll(async () => {
  data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'variables-'));
  gitlab = await startGitLab({ data });
});
afterAll(async () => {
  await gitlab.stop();
  await rm(data, { recursive: true, force: true });
});
beforeEach(async () => {
  last = undefined;
  gitlab.faults.clear();
  project = (await gitlab.createProject({ path: `shop-${++count}/backend/cart` })).id;
  await gitlab.commit(project, { branch: 'main', message: 'x', files: { Dockerfile: 'FROM x\n' } });
});

const group = () => `shop-${count}`;

function variables(token = gitlab.token) {
  return createVariables({
    gitlab: createGitLabVariables({ url: gitlab.url, token }),
    releases: { lastGood: async () => last },
  });
}

const environmentOf = (environment = 'production', token?: string) =>
  variables(token).environmentOf(sampleDeployment({ project, environment }));

const roleOf = (accessLevel: number) =>
  gitlab.createUser({ username: `user-${count}`, projectId: project, accessLevel }).token;

describe('the environment of an app', () => {
  it('is that of the project over its groups, by scope and protection', async () => {
    gitlab.protect(project, { branches: ['main'] });
    gitlab.setVariable({ group: group(), key: 'LEVEL', value: 'group' });
    gitlab.setVariable({ group: group(), key: 'REGION', value: 'eu' });
    gitlab.setVariable({ group: `${group()}/backend`, key: 'LEVEL', value: 'subgroup' });
    gitlab.setVariable({ projectId: project, key: 'LEVEL', value: 'project', scope: 'staging' });
    const secret = { key: 'PASSWORD', value: 'hunter2-hunter2', masked: true, protected: true };
    gitlab.setVariable({ projectId: project, ...secret });
    gitlab.setVariable({ projectId: project, key: 'URL', value: 'db://$PASSWORD@$REGION' });
    expect(await environmentOf()).toEqual({
      env: {
        ...{ LEVEL: 'subgroup', REGION: 'eu', PASSWORD: 'hunter2-hunter2' },
        URL: 'db://hunter2-hunter2@eu',
      },
      secrets: ['PASSWORD', 'URL'],
      warnings: [],
    });
    expect((await environmentOf('staging')).env['LEVEL']).toBe('project');
    gitlab.protect(project, { branches: [] });
    expect((await environmentOf()).env).not.toHaveProperty('PASSWORD');
  });

  it('says which groups the token may not read', async () => {
    gitlab.setVariable({ projectId: project, key: 'A', value: '1' });
    expect(await environmentOf('production', roleOf(40))).toEqual({
      env: { A: '1' },
      secrets: [],
      warnings: [group(), `${group()}/backend`].map(
        (path) =>
          `The variables of the group ${path} are left out: GITLAB_TOKEN needs the role Owner there to read them.`,
      ),
    });
  });

  it('waits for a GitLab that does not answer well', async () => {
    gitlab.faults.add({ route: /\/variables/, status: 503, body: {}, times: 1 });
    await expect(environmentOf()).rejects.toMatchObject({ code: 'E_GITLAB', retryable: true });
    gitlab.faults.add({ route: /groups\/.*\/variables/, reset: true, times: 1 });
    await expect(environmentOf()).rejects.toMatchObject({ code: 'E_GITLAB', retryable: true });
  });

  describe('of a project whose variables the token may not read', () => {
    const reason =
      'GitLab does not let GITLAB_TOKEN read the CI/CD variables of the project: it needs the role Maintainer';

    it('is empty where the app never had any', async () => {
      const nothing = { env: {}, secrets: [], warnings: [`${reason}.`] };
      const token = roleOf(30);
      expect(await environmentOf('production', token)).toEqual(nothing);
      last = sampleRelease({ variables: [] });
      expect(await environmentOf('production', token)).toEqual(nothing);
    });

    it('is refused where the app would come up without what it had', async () => {
      last = sampleRelease({ variables: ['PASSWORD'] });
      await expect(environmentOf('production', roleOf(30))).rejects.toMatchObject({
        message: `${reason}, and the last release had some`,
        hint: 'Give the user of GITLAB_TOKEN the role Maintainer in the project.',
        retryable: false,
      });
    });
  });
});

describe('the secrets of a build', () => {
  const plan = {
    ...{
      services: [],
      deploy: sampleDeploy,
      jobs: [],
      dockerfile: 'Dockerfile',
      context: '',
      args: {},
    },
    ...{ fragments: [], warnings: [], secrets: {} },
  };
  const secretsOf = (environments: string[], token?: string, change: Partial<Build> = {}) =>
    variables(token).secretsOf(
      sampleBuild({ project, plan: { ...plan, environments }, ...change }),
    );
  const auth = (value: string, scope: string, change: object = {}) =>
    gitlab.setVariable({ projectId: project, key: 'DOCKER_AUTH_CONFIG', value, scope, ...change });

  it('hold the logins of its environments, of several the first', async () => {
    auth('{"a":1}', 'staging');
    auth('{"b":1}', 'review/*');
    const none = { values: {}, masked: [], areUnreadable: false };
    expect(await secretsOf(['production'])).toEqual(none);
    expect((await secretsOf(['production', 'review/x', 'staging'])).dockerAuth).toBe('{"b":1}');
  });

  it('hold protected logins for protected refs alone, also as a file', async () => {
    auth('{"a":1}', '*', { protected: true, type: 'file' });
    gitlab.protect(project, { branches: [] });
    expect((await secretsOf(['production'])).dockerAuth).toBeUndefined();
    gitlab.protect(project, { branches: ['main'] });
    expect((await secretsOf(['production'])).dockerAuth).toBe('{"a":1}');
  });

  describe('what build.secrets names', () => {
    const secrets = { npm: 'NPM_TOKEN', pem: 'DEPLOY_KEY', none: 'NOWHERE' };
    const valuesAt = async (ref: string) => {
      const named = { ...plan, environments: ['review/x', 'production'], secrets };
      return (await secretsOf([], undefined, { ref, plan: named })).values;
    };

    it('is there by its name, and nothing else is', async () => {
      gitlab.setVariable({ projectId: project, key: 'NPM_TOKEN', value: 'a', scope: 'production' });
      gitlab.setVariable({ projectId: project, key: 'NPM_TOKEN', value: 'b', scope: 'review/*' });
      gitlab.setVariable({ projectId: project, key: 'DEPLOY_KEY', value: 'pem\n', type: 'file' });
      gitlab.setVariable({ projectId: project, key: 'OTHER', value: 'other' });
      expect(await valuesAt('refs/heads/main')).toEqual({ NPM_TOKEN: 'b', DEPLOY_KEY: 'pem\n' });
    });

    it('is there for protected refs alone where it is protected', async () => {
      const one = { key: 'NPM_TOKEN', value: 'a', protected: true };
      gitlab.setVariable({ projectId: project, ...one });
      gitlab.protect(project, { branches: [] });
      expect(await valuesAt('refs/heads/main')).toEqual({});
      gitlab.protect(project, { branches: ['main'] });
      expect(await valuesAt('refs/heads/main')).toEqual({ NPM_TOKEN: 'a' });
    });

    it('is not there for what a fork proposes in a merge request', async () => {
      gitlab.setVariable({ projectId: project, key: 'NPM_TOKEN', value: 'a' });
      auth('{"a":1}', '*');
      expect(await valuesAt('refs/tags/v1')).toHaveProperty('NPM_TOKEN');
      expect(await valuesAt('refs/merge-requests/7/head')).toEqual({});
    });
  });

  it('hold all that is masked, wherever it holds', async () => {
    const one = { key: 'A', value: 'hunter2-hunter2', masked: true, scope: 'elsewhere' };
    gitlab.setVariable({ projectId: project, ...one });
    gitlab.setVariable({ group: group(), ...one, value: 'open-sesame' });
    gitlab.setVariable({ projectId: project, key: 'B', value: 'plain' });
    expect((await secretsOf([])).masked.sort()).toEqual(['hunter2-hunter2', 'open-sesame']);
  });

  it('are none where the token may not read them', async () => {
    expect(await secretsOf(['production'], roleOf(30))).toEqual({
      values: {},
      masked: [],
      areUnreadable: true,
    });
  });
});
