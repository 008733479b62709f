/** Freezing an environment, and holding what is pushed for it, in a browser. */
import { expect, it } from 'vitest';
import { useUi } from './rig.ts';

const project = '/projects/shop/front';
const ui = useUi();

it('a freeze is asked about, shown with who and why, and ended', async () => {
  const page = await ui.open('maintainer');
  await page.goto(ui.url + project);
  const production = page.getByRole('region', { name: 'production' });
  const yes = (name: string) => page.getByRole('dialog').getByRole('button', { name }).click();
  await production.getByLabel('Freeze, since').fill('the sale goes on');
  await production.getByRole('button', { name: 'Freeze' }).click();
  await yes('Freeze');
  await production.getByText('Frozen by maintainer: the sale goes on.').waitFor();
  await production.getByRole('button', { name: 'Thaw' }).click();
  await yes('Thaw');
  await production.getByText('Frozen by').waitFor({ state: 'detached' });
  const where = { project: ui.project, environment: 'production' };
  expect(await ui.ekiden.switches.find(where)).toEqual({ autoDeploy: true });
});

it('pushes are held, and deployed again', async () => {
  const page = await ui.open('maintainer');
  await page.goto(ui.url + project);
  const production = page.getByRole('region', { name: 'production' });
  const yes = (name: string) => page.getByRole('dialog').getByRole('button', { name }).click();
  await production.getByRole('button', { name: 'Hold pushes' }).click();
  await yes('Hold pushes');
  await production.getByText('they are not deployed by themselves').waitFor();
  await production.getByRole('button', { name: 'Deploy pushes' }).click();
  await yes('Deploy pushes');
  await production.getByRole('button', { name: 'Hold pushes' }).waitFor();
});
