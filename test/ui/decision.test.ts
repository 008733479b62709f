/** A canary that waits for a word, and a deployment of two data centres, in a browser. */
import { expect, it } from 'vitest';
import type { Decision } from '../../src/core/deployment.ts';
import { sampleDeploy, sampleDeployment } from '../support/samples.ts';
import { useUi } from './rig.ts';

const ui = useUi();

const canary = (id: string) =>
  sampleDeployment({
    ...{ id, project: ui.project, state: 'running', release: 8, createdAt: Date.now() },
    deploy: { ...sampleDeploy, strategy: { kind: 'canary', instances: '10%', hold: 'manual' } },
    places: [
      { dataCentre: 'paris', state: 'holding', since: Date.now(), strategy: 'canary' },
      { dataCentre: 'oslo', state: 'away', since: Date.now(), reason: 'no answer' },
    ],
  });

it('is let on by a button that asks first', async () => {
  await ui.ekiden.deployments.create(canary('canary1'));
  const said: Decision[] = [];
  const { decide } = ui.ekiden.operations;
  ui.ekiden.operations.decide = async (wanted) => {
    said.push({ go: wanted.go, by: wanted.by });
    return decide(wanted);
  };
  const page = await ui.open('maintainer');
  await page.goto(`${ui.url}/deployments/canary1`);
  await page.getByText('it waits until somebody decides').waitFor();
  await page.getByText('canary of 10% until somebody decides').waitFor();
  expect(await page.getByRole('list', { name: 'Data centres' }).textContent()).toMatch(
    /side by side\s*paris.*away\s*oslo.*no answer/s,
  );
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Go on' }).click();
  await page.getByText('maintainer decided that the canary goes on.').waitFor();
  await page.getByRole('button', { name: 'Take back' }).waitFor({ state: 'detached' });
  expect(said).toEqual([{ go: 'on', by: 'maintainer' }]);
});

it('shows no button to whoever may not deploy there', async () => {
  await ui.ekiden.deployments.create(canary('canary2'));
  const page = await ui.open('developer');
  await page.goto(`${ui.url}/deployments/canary2`);
  await page.getByText('it waits until somebody decides').waitFor();
  expect(await page.getByRole('button', { name: 'Go on' }).count()).toBe(0);
});

it('data centres of a service stand on the page of its project, where there are several', async () => {
  const [web] = await ui.ekiden.services.ofProject(ui.project);
  if (!web) throw new Error('nothing runs');
  web.places = [
    { dataCentre: 'paris', release: 7, instances: { ...web.instances, wanted: 2, healthy: 2 } },
    { dataCentre: 'oslo', awaySince: Date.now() - 5_000, reason: 'it does not answer' },
  ];
  const page = await ui.open('reporter');
  await page.goto(`${ui.url}/projects/shop/front`);
  expect(await page.getByRole('list', { name: 'Data centres' }).textContent()).toMatch(
    /paris\s*2 of 2 healthy, release 7\s*oslo\s*away since .*it does not answer/s,
  );
});
