/** Which variables hold where, and what of them reaches an app: GitLab's rules as a table. */
import { describe, expect, it } from 'vitest';
import type { Variable } from '../../src/core/variable.ts';
import { toAppEnvironment, variablesFor } from '../../src/gitlab/variable-rules.ts';

function variable(key: string, value: string | null, change: Partial<Variable> = {}): Variable {
  return {
    ...{ key, value, type: 'env_var', isProtected: false, isMasked: false, isRaw: false },
    scope: '*',
    ...change,
  };
}

const scoped = (scope: string) => variable('A', scope, { scope });

interface Case {
  environment?: string;
  isProtected?: boolean;
  levels: Variable[][];
}

function ask({ environment = 'production', isProtected = false, levels }: Case) {
  return toAppEnvironment(variablesFor({ levels, environment, isProtected }));
}

describe('the scope', () => {
  it.each([
    ['*', 'anything', true],
    ['production', 'production', true],
    ['production', 'production-eu', false],
    ['prod*', 'production', true],
    ['review/*', 'review/fix-1', true],
    ['review/*', 'review', false],
    ['review/*', 'preview/x', false],
    ['*/eu', 'production/eu', true],
    ['*/eu', 'production/europe', false],
    ['review/*/eu', 'review/a/b/eu', true],
    ['re*w/*/eu', 'review/eu', false],
    ['a*a', 'a', false],
    ['*a*b*', 'xxaxxbxx', true],
    ['*a*b*', 'xxbxxaxx', false],
    ['re_iew/%', 'review/x', false],
    ['re.iew', 'review', false],
    ['Production', 'production', false],
  ])('%s for %s: %s', (scope, environment, holds) => {
    const { env } = ask({ environment, levels: [[scoped(scope)]] });
    expect(env).toEqual(holds ? { A: scope } : {});
  });

  it('of many wildcards takes no longer than others', () => {
    const scope = `${'*a'.repeat(200)}b`;
    const { env } = ask({ environment: 'a'.repeat(2_000), levels: [[scoped(scope)]] });
    expect(env).toEqual({});
  });

  it.each([
    ['an exact one goes before a wildcard', ['review/x', 'review/*', '*'], 'review/x'],
    ['a wildcard goes before all', ['*', 'review/*'], 'review/*'],
    ['the wildcard that says more wins', ['review/*', 're*', '*'], 'review/*'],
  ])('%s, in any order', (_, scopes, winner) => {
    for (const order of [scopes, [...scopes].reverse()]) {
      const levels = [order.map(scoped)];
      expect(ask({ environment: 'review/x', levels }).env).toEqual({ A: winner });
    }
  });
});

describe('the level', () => {
  const at = (value: string, scope = '*') => [variable('A', value, { scope })];

  it('that is nearest wins, however exact the scope of another is', () => {
    expect(ask({ levels: [at('group'), at('subgroup'), at('project')] }).env['A']).toBe('project');
    expect(ask({ levels: [at('group', 'production'), at('subgroup')] }).env['A']).toBe('subgroup');
    const elsewhere = at('project', 'staging');
    expect(ask({ levels: [at('group'), elsewhere] }).env['A']).toBe('group');
  });
});

describe('a protected variable', () => {
  const levels = [
    [variable('A', 'open'), variable('A', 'closed', { scope: 'production', isProtected: true })],
  ];

  it('holds on protected branches and tags alone', () => {
    expect(ask({ levels, isProtected: true }).env).toEqual({ A: 'closed' });
    expect(ask({ levels }).env).toEqual({ A: 'open' });
  });
});

describe('names of others', () => {
  const values = (variables: Record<string, string | Variable>) =>
    ask({
      levels: [
        Object.entries(variables).map(([key, one]) =>
          typeof one === 'string' ? variable(key, one) : one,
        ),
      ],
    });

  it.each([
    ['both forms', { A: '$B-$' + '{B}', B: 'b' }, 'b-b'],
    ['one through another', { A: 'x$B', B: 'y$C', C: 'z' }, 'xyz'],
    ['a dollar', { A: 'costs 5$$, $$B', B: 'b' }, 'costs 5$, $B'],
    ['the longest name', { A: '$BC', B: 'b', BC: 'bc' }, 'bc'],
    ['a dollar that names nothing', { A: 'a$, 5$5 and ${', B: 'b' }, 'a$, 5$5 and ${'],
    ['a value with dollars', { A: '$B', B: variable('B', '$C $$', { isRaw: true }) }, '$C $$'],
    ['what looks like a pattern', { A: '[$B]', B: "$& $' \\1" }, "[$& $' \\1]"],
  ])('stand for their values: %s', (_, variables, wanted) => {
    expect(values(variables).env['A']).toBe(wanted);
    expect(values(variables).warnings).toEqual([]);
  });

  it('mean nothing in a raw value', () => {
    const raw = variable('A', '$B$$', { isRaw: true });
    expect(values({ A: raw, B: 'b' }).env['A']).toBe('$B$$');
  });

  it('that are not there are told', () => {
    expect(values({ A: 'pa$word' })).toEqual({
      env: { A: 'pa' },
      secrets: [],
      warnings: ['A names $word, which is not there; nothing stands in its place.'],
    });
  });

  it('stay where they lead in a circle', () => {
    const { env, warnings } = values({ A: '$B', B: 'x$A', C: '$A', D: '$$' });
    expect(env).toEqual({ A: '$B', B: 'x$A', C: '$A', D: '$' });
    expect(warnings).toEqual(
      ['B', 'A', 'C'].map(
        (key) =>
          `${key} names others in a circle, or too many in a row, and stays as it is written.`,
      ),
    );
  });

  it('lead on for a while, and then no further', () => {
    const chain = (length: number) =>
      Object.fromEntries(
        Array.from({ length }, (_, index) => [`V${1_000 + index}`, `$V${1_001 + index}`]),
      );
    const short = values({ ...chain(15), V1015: 'end' });
    expect(short.env['V1000']).toBe('end');
    const long = values({ ...chain(9_000), V10000: 'end' });
    expect(long.env['V1000']).toBe('$V1001');
    expect(long.warnings.at(-1)).toMatch(/^So it is with \d+ more\.$/);
    expect(long.warnings.length).toBe(21);
  });

  it('grow to a limit', () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 15 }, (_, index) => [
        `V${10 + index}`,
        `$V${11 + index}$V${11 + index}`,
      ]),
    );
    const { env, warnings } = values({ ...doubling, V25: 'x'.repeat(1_000) });
    expect(Math.max(...Object.values(env).map((value) => value.length))).toBeLessThan(70_000);
    expect(warnings.join()).toContain('grows too long');
  });

  it('make a secret of what a secret goes into', () => {
    const PASSWORD = variable('PASSWORD', 'hunter2hunter2', { isMasked: true });
    const { env, secrets } = values({ PASSWORD, URL: 'db://u:$PASSWORD@h', PLAIN: 'x' });
    expect(env['URL']).toBe('db://u:hunter2hunter2@h');
    expect(secrets).toEqual(['PASSWORD', 'URL']);
  });
});

describe('an app', () => {
  it.each(['CI', 'CI_DEPLOY_PASSWORD', 'GITLAB_TOKEN', 'DOCKER_AUTH_CONFIG'])(
    'does not get %s, and nobody is told',
    (key) => {
      expect(ask({ levels: [[variable(key, '$nothing')]] })).toEqual({
        ...{ env: {}, secrets: [], warnings: [] },
      });
    },
  );

  it.each([
    ['PORT', 'is set for each instance by Ekiden'],
    ['PORTS', 'is set for each instance by Ekiden'],
    ['PORT0', 'is set for each instance by Ekiden'],
    ['PORT_8080', 'is set for each instance by Ekiden'],
    ['MARATHON_APP_ID', 'is set for each instance by Ekiden'],
    ['MESOS_TASK_ID', 'is set for each instance by Ekiden'],
    ['LOG_DIR', 'is set for each instance by Ekiden'],
  ])('does not get %s', (key, why) => {
    expect(ask({ levels: [[variable(key, '1')]] })).toEqual({
      ...{ env: {}, secrets: [], warnings: [`${key} ${why}, and is left out.`] },
    });
  });

  it.each(['PORTAL', 'PORT_NAME', 'CITY', 'HOST', 'LOG_DIRECTORY', '__proto__x'])(
    'gets %s',
    (key) => {
      expect(ask({ levels: [[variable(key, '1')]] }).env).toEqual({ [key]: '1' });
    },
  );

  it('gets no files, and nothing that is hidden', () => {
    const levels = [
      [
        variable('CERT', '---', { type: 'file' }),
        variable('HIDDEN', null, { isMasked: true }),
        variable('ODD', 'a\0b'),
      ],
    ];
    expect(ask({ levels })).toEqual({
      env: {},
      secrets: [],
      warnings: [
        'HIDDEN is hidden in GitLab, also from Ekiden, and left out.',
        'CERT is of type file, which apps cannot be given, and is left out.',
        'ODD holds a null character, and is left out.',
      ],
    });
  });
});
