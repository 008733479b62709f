/** What is read of remotes. */
import { expect, test } from 'vitest';
import { projectOf } from '../../src/clients/git.ts';

test.each([
  ['git@gitlab.example.com:shop/web.git', 'shop/web'],
  ['git@gitlab.example.com:shop/team/web', 'shop/team/web'],
  ['https://gitlab.example.com/shop/web.git', 'shop/web'],
  ['https://user:token@gitlab.example.com:8443/shop/web/', 'shop/web'],
  ['ssh://git@gitlab.example.com:2222/shop/web.git', 'shop/web'],
  ['/srv/git/web.git', undefined],
  ['', undefined],
  [undefined, undefined],
])('%s', (remote, project) => {
  expect(projectOf(remote)).toBe(project);
});
