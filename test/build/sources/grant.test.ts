/** Who may include what of another project: every rule by itself, and what comes before what. */
import { expect, test } from 'vitest';
import {
  type Actor,
  fitsPath,
  grantOf,
  type IncludeRule,
} from '../../../src/build/sources/grant.ts';
import { parseRule } from '../../../src/build/sources/include-rule.ts';
import type { CodeReaders } from '../../../src/core/access.ts';

interface Case {
  target?: number;
  readers?: CodeReaders;
  /** Undefined: nobody is known. */
  level?: number;
  isInsider?: boolean;
  rule?: IncludeRule;
}

async function pathsOf({ target = 2, readers = 'members', level, isInsider, rule }: Case) {
  const asked: string[] = [];
  const actor: Actor = {
    user: 7,
    isInsider: async () => asked.push('insider') > 0 && isInsider === true,
    level: async () => asked.push('level') && (level ?? 0),
    name: async () => 'ada',
  };
  const grant = await grantOf({
    target: { id: target, readers },
    includer: { id: 1, path: 'shop/Web' },
    actor: level === undefined ? undefined : actor,
    rule: async () => {
      asked.push('rule');
      return rule;
    },
  });
  const paths = ['docker/a', 'docker/x/b', 'secret'].filter(grant);
  return { paths: paths.length === 3 ? 'all' : paths, asked: asked.join() };
}

const rule = { allow: ['shop/*'], paths: ['docker/**'] };
const nested = ['docker/a', 'docker/x/b'];

test.each<[name: string, given: Case, paths: string | string[], asked: string]>([
  ['the same project', { target: 1 }, 'all', ''],
  ['the same project, nobody known', { target: 1, level: 0 }, 'all', ''],
  ['public, nobody known', { readers: 'everyone' }, 'all', ''],
  ['public', { readers: 'everyone', level: 0 }, 'all', ''],
  ['internal, a user', { readers: 'users', level: 0, isInsider: true }, 'all', 'insider'],
  ['internal, an external user', { readers: 'users', level: 0 }, [], 'insider,level,rule'],
  ['internal, an external reporter', { readers: 'users', level: 20 }, 'all', 'insider,level'],
  ['internal, nobody known', { readers: 'users' }, [], 'rule'],
  ['private, no member', { level: 0 }, [], 'level,rule'],
  ['private, a guest', { level: 10 }, [], 'level,rule'],
  ['private, a planner', { level: 15 }, [], 'level,rule'],
  ['private, a reporter', { level: 20 }, 'all', 'level'],
  ['private, a security manager', { level: 25 }, 'all', 'level'],
  ['private, an owner', { level: 50 }, 'all', 'level'],
  ['private, nobody known', {}, [], 'rule'],
  ['a rule, nobody known', { rule }, nested, 'rule'],
  ['a rule, a guest', { rule, level: 10 }, nested, 'level,rule'],
  ['a rule, a reporter', { rule, level: 20 }, 'all', 'level'],
  ['a rule for others', { rule: { ...rule, allow: ['other/*'] } }, [], 'rule'],
  ['a rule in other letters', { rule: { ...rule, allow: ['SHOP/web'] } }, nested, 'rule'],
  ['a rule for no such path', { rule: { ...rule, paths: ['Docker/**'] } }, [], 'rule'],
])('%s', async (_name, given, paths, asked) => {
  expect(await pathsOf(given)).toEqual({ paths, asked });
});

test.each<[glob: string, path: string, fits: boolean]>([
  ['a', 'a', true],
  ['a', 'b', false],
  ['a', 'a/b', false],
  ['*', 'a', true],
  ['*', 'a/b', false],
  ['a/*', 'a/b', true],
  ['a/*', 'a/b/c', false],
  ['a/*', 'a', false],
  ['a/**', 'a/b/c', true],
  ['**', 'a/b/c', true],
  ['**/c', 'c', true],
  ['**/c', 'a/b/c', true],
  ['**/c', 'a/b/cc', false],
  ['a/**/c/**/e', 'a/c/c/d/e', true],
  ['a/**/c/**/e', 'a/b/d/e', false],
  ['*.dockerfile', 'a.dockerfile', true],
  ['*.dockerfile', 'd/a.dockerfile', false],
  ['**/*.dockerfile', 'd/a.dockerfile', true],
  ['a*b*c', 'aXbYc', true],
  ['a*b*c', 'aXc', false],
  ['ab*ba', 'aba', false],
  ['a**', 'ab/c', false],
  ['a.c', 'abc', false],
  ['[a-z]+', 'abc', false],
])('%s and %s: %s', (glob, path, fits) => {
  expect(fitsPath(glob, path)).toBe(fits);
});

test('a glob takes no time that grows with what it could match', () => {
  const glob = `${'**/a*a*a*/'.repeat(40)}b`;
  expect(fitsPath(glob, `${'aaaaaaaaaaaaaaaaaaaa/'.repeat(180)}c`)).toBe(false);
});

test.each<[text: string, rule: IncludeRule | undefined]>([
  ['include: {allow: [g/*], paths: [d/**]}', { allow: ['g/*'], paths: ['d/**'] }],
  ['include: {allow: g/p, paths: d}\nservices: 42\nunknown: 1', { allow: ['g/p'], paths: ['d'] }],
  ['include: {allow: [g/*]}', undefined],
  ['include: {allow: [], paths: [d]}', undefined],
  ['include: {allow: g/p, paths: d, more: 1}', undefined],
  ['include: yes', undefined],
  ['services: {}', undefined],
  ['', undefined],
  ['a: [', undefined],
])('of a manifest: %s', (text, wanted) => {
  expect(parseRule(Buffer.from(text))).toEqual(wanted);
});
