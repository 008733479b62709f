/** Deployment plans: which steps lead from one set of apps to another. */
import { describe, expect, it } from 'vitest';
import type { App } from '../../src/engine/app-definition.ts';
import { planSteps } from '../../src/engine/plan.ts';
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

describe('planSteps', () => {
  it.each(cases)('plans %s', (_, before, after, steps) => {
    const planned = planSteps(byId(...before), byId(...after));
    const written = planned.map(({ actions }) =>
      actions.map(({ action, app }) => `${action} ${app}`).join(' '),
    );
    expect(written).toEqual(steps);
  });

  it('refuses dependencies in a circle', () => {
    const a = appOf({ id: '/a', dependencies: ['/b'] });
    const b = appOf({ id: '/b', dependencies: ['/a'] });
    expect(() => planSteps(byId(), byId(a, b))).toThrow('Object is not valid');
  });
});
