/** What of a build's record says which fragments it took. */
import { expect, test } from 'vitest';
import type { Fragment } from '../../src/core/build.ts';
import { takenOf, useOf } from '../../src/core/fragment.ts';
import { sampleBuild } from '../support/samples.ts';

const sha256 = 'f'.repeat(64);

test.each<[string, Omit<Fragment, 'sha256'>, object | undefined]>([
  [
    'a template',
    {
      source: 'template:tomcat@9',
      file: 'template:tomcat@9.1.0',
      template: { name: 'tomcat', version: '9.1.0' },
    },
    { name: 'tomcat', source: 'template:tomcat@9', version: '9.1.0' },
  ],
  [
    'a template in an older record',
    { source: 'template:node', file: 'template:node@20.0.0' },
    { name: 'node', source: 'template:node', version: '20.0.0' },
  ],
  [
    'a file of another project',
    {
      source: 'project:shop/base@main:docker/base.dockerfile',
      file: 'project:shop/base@abc:docker/base.dockerfile',
      project: {
        id: 3,
        path: 'shop/base',
        ref: 'main',
        sha: 'abc',
        file: 'docker/base.dockerfile',
      },
    },
    {
      name: 'project:3:docker/base.dockerfile',
      source: 'project:shop/base@main:docker/base.dockerfile',
      version: 'abc',
    },
  ],
  [
    'a file of its own repository',
    { source: 'base.dockerfile', file: 'docker/base.dockerfile' },
    undefined,
  ],
])('%s', (_, fragment, expected) => {
  expect(takenOf({ ...fragment, sha256 })).toEqual(expected && { ...expected, sha256 });
});

test('a build without a plan uses nothing', () => {
  expect(useOf(sampleBuild({ order: 3 }), 5)).toEqual({
    ...{ project: 7, projectPath: '7', ref: 'refs/heads/main', sha: 'a'.repeat(40) },
    ...{ environments: [], build: 'b1', order: 3, at: 5, fragments: [] },
  });
});
