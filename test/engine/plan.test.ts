/** Deployment plans: which steps lead from one set of apps to another. */
import { describe, expect, it } from 'vitest';
import type { App } from '../../src/engine/apps/app-definition.ts';
import { planSteps } from '../../src/engine/deployments/plan.ts';
import { emptyGroup, type Group, type Root } from '../../src/engine/groups/group.ts';
import { appOf, byId, LATER } from './definitions.ts';

const web = appOf({ id: '/web' });
const db = appOf({ id: '/db' });
const restart = (app: App): App => ({
  ...app,
  versionInfo: { ...app.versionInfo, lastConfigChangeAt: LATER },
});

const cases: [string, App[], App[], string[]][] = [
  ['nothing for what stays', [web], [web], []],
  ['start and scale for a new app', [], [web], ['StartApplication /web', 'ScaleApplication /web']],
  ['a stop for a removed app', [web, db], [db], ['StopApplication /web']],
  ['a scale for another count', [web], [{ ...web, instances: 3 }], ['ScaleApplication /web']],
  ['a restart for a new configuration', [web], [restart(web)], ['RestartApplication /web']],
  [
    'a scale where a new configuration wants no instance',
    [web],
    [{ ...restart(web), instances: 0 }],
    ['ScaleApplication /web'],
  ],
  [
    'stops first, then starts, then the rest',
    [web, db],
    [restart(db), appOf({ id: '/new' })],
    [
      'StopApplication /web',
      'StartApplication /new',
      'RestartApplication /db ScaleApplication /new',
    ],
  ],
  [
    'one step for each layer of dependencies',
    [web, db],
    [restart(appOf({ id: '/web', dependencies: ['/db'] })), restart(db)],
    ['RestartApplication /db', 'RestartApplication /web'],
  ],
  [
    'a dependency on a group as one on all apps in it',
    [],
    [appOf({ id: '/a', dependencies: ['/z'] }), appOf({ id: '/z/b' })],
    ['StartApplication /a StartApplication /z/b', 'ScaleApplication /z/b', 'ScaleApplication /a'],
  ],
];

const rootOf = (...apps: App[]): Root => ({ apps: byId(...apps), groups: new Map() });

/** A root with groups that depend on others. */
function withGroups(apps: App[], dependencies: Record<string, string[]>): Root {
  const groups = Object.entries(dependencies).map(([id, needed]): [string, Group] => [
    id,
    { ...emptyGroup(id), dependencies: needed },
  ]);
  return { apps: byId(...apps), groups: new Map(groups) };
}

describe('planSteps', () => {
  it.each(cases)('plans %s', (_, before, after, steps) => {
    const planned = planSteps(rootOf(...before), rootOf(...after));
    const written = planned.map(({ actions }) =>
      actions.map(({ action, app }) => `${action} ${app}`).join(' '),
    );
    expect(written).toEqual(steps);
  });

  it('refuses dependencies in a circle', () => {
    const a = appOf({ id: '/a', dependencies: ['/b'] });
    const b = appOf({ id: '/b', dependencies: ['/a'] });
    expect(() => planSteps(rootOf(), rootOf(a, b))).toThrow('Object is not valid');
  });

  it('lets all apps of a group wait for what the group depends on', () => {
    const apps = [appOf({ id: '/top/a' }), appOf({ id: '/top/b/c' }), appOf({ id: '/low/d' })];
    const planned = planSteps(rootOf(), withGroups(apps, { '/top': ['/low'], '/low': ['/none'] }));
    expect(planned.slice(1).map(({ actions }) => actions.map(({ app }) => app))).toEqual([
      ['/low/d'],
      ['/top/a', '/top/b/c'],
    ]);
  });

  it('refuses groups that depend on each other, or on what is in them', () => {
    const apps = [appOf({ id: '/a/x' }), appOf({ id: '/b/y' })];
    const circle = withGroups(apps, { '/a': ['/b'], '/b': ['/a'] });
    expect(() => planSteps(rootOf(), circle)).toThrow('Object is not valid');
    const inner = withGroups(apps, { '/a': ['/a/x'] });
    expect(() => planSteps(rootOf(), inner)).toThrow('Object is not valid');
  });
});
