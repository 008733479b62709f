/** The two ids of a service's apps, and which weight of an instance counts. */
import { expect, test } from 'vitest';
import { appOfInstance } from '../../src/core/instance.ts';
import { otherAppOf, placedApp, serviceAppOf, weightIn } from '../../src/core/traffic.ts';

const [app, alt] = ['/shop/production/web', '/shop/production/web.alt'];

test('either id leads to the service, and to the other one', () => {
  expect([serviceAppOf(app), serviceAppOf(alt)]).toEqual([app, app]);
  expect([otherAppOf(app), otherAppOf(alt)]).toEqual([alt, app]);
});

test('an instance of the second app is one of the service', () => {
  const id = 'shop_production_web.alt.instance-0a1b2c3d-0000-11ec-8d3d-0242ac130003._app.1';
  expect(serviceAppOf(appOfInstance(id) ?? '')).toBe(app);
});

test('the most exact weight goes first', () => {
  const weights = { [app]: 1, [placedApp(app, 'east')]: 2, i1: 3 };
  expect(weightIn(weights, { app, instance: 'i1', dataCentre: 'east' })).toBe(3);
  expect(weightIn(weights, { app, instance: 'i2', dataCentre: 'east' })).toBe(2);
  expect(weightIn(weights, { app, instance: 'i2', dataCentre: 'west' })).toBe(1);
  expect(weightIn(weights, { app: alt, instance: 'i2' })).toBeUndefined();
});
