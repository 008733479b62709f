/** GitLab behind a private authority: reached with GITLAB_CA, and not without. */
import { expect, test } from 'vitest';
import { createGitLab } from '../../src/clients/gitlab.ts';
import { gitlabConnection, readConfig } from '../../src/config.ts';
import { startSecureServer } from '../support/authority.ts';

/** As much of a project as Ekiden reads. */
const project = {
  ...{ id: 7, name: 'web', path_with_namespace: 'shop/web', default_branch: 'main' },
  web_url: 'https://gitlab.test/shop/web',
};

const names = ['gitlabUrl', 'gitlabToken', 'gitlabCa'] as const;

test('its certificate is trusted where GITLAB_CA names the authority', async () => {
  const { url, caFile } = await startSecureServer((_, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(project));
  });
  const given = { GITLAB_URL: url, GITLAB_TOKEN: 'glpat-secret' };
  const open = (environment: Record<string, string>) =>
    createGitLab(gitlabConnection(readConfig(names, { ...given, ...environment })));

  expect(await open({ GITLAB_CA: caFile }).project(7)).toMatchObject({ path: 'shop/web' });
  await expect(open({}).project(7)).rejects.toThrow('GitLab, asked for project 7');
});

test.each([
  ['/nowhere/ca.pem', 'GITLAB_CA: names a file that cannot be read: ENOENT'],
  ['package.json', 'GITLAB_CA: names package.json, which holds no certificate in PEM.'],
])('%s is refused at the start', (file, problem) => {
  const given = { GITLAB_URL: 'https://gitlab.test', GITLAB_TOKEN: 'x', GITLAB_CA: file };
  expect(() => readConfig(names, given)).toThrow(problem);
});
