/** What the words behind INCLUDE mean. */
import { expect, test } from 'vitest';
import { parseSource, type Source } from '../../../src/build/dockerfile/source.ts';

test.each<[text: string, source: Source]>([
  ['a', { kind: 'path', path: 'a' }],
  ['/docker/a b', { kind: 'path', path: '/docker/a b' }],
  ['@scope/a', { kind: 'path', path: '@scope/a' }],
  ['template:node', { kind: 'template', name: 'node', version: undefined }],
  ['template:node@20', { kind: 'template', name: 'node', version: '20' }],
  ['template:node@2.0.0-rc@1', { kind: 'template', name: 'node', version: '2.0.0-rc@1' }],
  ['project:g/p:a', { kind: 'project', project: 'g/p', ref: undefined, path: 'a' }],
  ['project:g/p@main:a', { kind: 'project', project: 'g/p', ref: 'main', path: 'a' }],
  ['project:g/s/p@v1.2:/d/a', { kind: 'project', project: 'g/s/p', ref: 'v1.2', path: '/d/a' }],
  ['project:g/p@f/x@2:a', { kind: 'project', project: 'g/p', ref: 'f/x@2', path: 'a' }],
  ['project:g/p@v1:a:b@c', { kind: 'project', project: 'g/p', ref: 'v1', path: 'a:b@c' }],
  [
    'project:g.x/_p-1@refs/tags/v1:a',
    { kind: 'project', project: 'g.x/_p-1', ref: 'refs/tags/v1', path: 'a' },
  ],
])('%s', (text, source) => {
  expect(parseSource(text)).toEqual(source);
});

test.each([
  ['project:g/p', 'names no file'],
  ['project:g/p@v1', 'names no file'],
  ['project:g/p:', 'names no file'],
  ['project:p:a', '"p" cannot be the path of a project'],
  ['project:42:a', '"42" cannot be the path of a project'],
  ['project::a', '"" cannot be the path of a project'],
  ['project:g//p:a', 'cannot be the path of a project'],
  ['project:g/../p:a', 'cannot be the path of a project'],
  ['project:g/p/:a', 'cannot be the path of a project'],
  ['project:-g/p:a', 'cannot be the path of a project'],
  ['project:g/p%2Fq:a', 'cannot be the path of a project'],
  ['project:g/p@:a', '"" cannot be a branch, tag or sha'],
  ['project:g/p@-x:a', '"-x" cannot be a branch, tag or sha'],
  ['project:g/p@a..b:a', 'cannot be a branch, tag or sha'],
  ['project:g/p@main~1:a', 'cannot be a branch, tag or sha'],
  ['project:g/p@main^:a', 'cannot be a branch, tag or sha'],
  ['project:g/p@main@{1}:a', 'cannot be a branch, tag or sha'],
  ['project:g/p@a b:a', 'cannot be a branch, tag or sha'],
  ['a\0b', 'the source holds control characters'],
  ['project:g/p:a\nb', 'the source holds control characters'],
  ['x'.repeat(4097), 'more than 4096 others'],
])('%s is refused', (text, message) => {
  expect(parseSource(text)).toMatchObject({
    kind: 'problem',
    problem: { code: 'E_SYNTAX', message: expect.stringContaining(message) },
  });
});

test.each([
  'https://example.com/a',
  'git@example.com:g/p.git',
  'node:20',
  'C:/a',
  'C:\\a',
  '\\\\server\\a',
  'projects:g/p:a',
])('%s is no source', (text) => {
  expect(parseSource(text)).toMatchObject({ kind: 'problem', problem: { code: 'E_SCHEME' } });
});
