/** What a failed instance left behind, in a browser: from the service and the deployment to its page. */
import { expect, it } from 'vitest';
import { sampleDeployment, sampleEvidence } from '../support/samples.ts';
import { barriers, useUi } from './rig.ts';

const ui = useUi();
const minutes = 12;

/** A curve that climbs until it ends. */
function usage(samples = minutes * 6) {
  const none = Array.from({ length: samples }, () => 0);
  const memory = none.map((_, index) => (index + 1) * 800_000);
  const values = {
    ...{ cpu: none.map(() => 0.25), memory, diskRead: none, diskWrite: none },
    ...{ networkReceive: none, networkSend: none },
  };
  const start = Date.now() - minutes * 60_000;
  return { limits: { memory: 67_108_864 }, series: { start, step: 10_000, values } };
}

async function withFailure() {
  const { ekiden, project } = ui;
  const named = { project, environment: 'production', service: 'web' };
  const app = await ekiden.appIds.claim({ ...named, wanted: '/shop/front/production/web' });
  const failed = { ...named, app, release: 7, reason: 'ran out of memory and was killed' };
  const logs = [
    { path: 'stderr', lines: ['<script>alert(1)</script>', 'no DATABASE_URL'] },
    { path: 'logs/app.log', lines: ['started', 'ended'] },
  ];
  const exit = { code: 137, signal: 'SIGKILL', outOfMemory: true };
  const more = { at: Date.now() - 60_000, logs, exit, usage: usage(), otherLogs: 3 };
  const evidence = sampleEvidence({ ...failed, ...more });
  await ekiden.evidence.save(evidence);
  const waiting = 'no node has 4 processors free (the most that one has is 2)';
  const under = { id: 'under1', project, app, release: 7, waiting, state: 'running' } as const;
  await ekiden.deployments.create(sampleDeployment({ ...under, createdAt: Date.now() }));
  return evidence;
}

it('leads from the deployment and the service to the evidence', async () => {
  const { reason, instance } = await withFailure();
  const page = await ui.open('reporter');
  await page.goto(`${ui.url}/projects/shop/front`);
  const rows = page.getByRole('list', { name: 'Failed instances' });
  await rows.getByText(reason).waitFor();
  await page.goto(`${ui.url}/deployments/under1`);
  await page.getByText('no node has 4 processors free').waitFor();
  await rows.getByRole('link').click();
  await page.getByRole('heading', { name: 'A failed instance of web in production' }).waitFor();
  const text = (await page.locator('main').textContent()) ?? '';
  for (const part of [
    reason,
    instance,
    'exit code 137, SIGKILL, out of memory',
    '3000',
    '3 more log files are not kept.',
  ]) {
    expect(text).toContain(part);
  }
  expect(text).toContain('<script>alert(1)</script>\nno DATABASE_URL');
  await page.locator('.graph canvas').first().waitFor();
  expect(await barriers(page)).toEqual([]);
});

it('draws no curve of one sample', async () => {
  const failed = await withFailure();
  const instance = failed.instance.replace('_app.1', '_app.9');
  const short = sampleEvidence({ ...failed, instance, usage: usage(1) });
  await ui.ekiden.evidence.save(short);
  const page = await ui.open('reporter');
  const place = `${ui.url}/projects/shop/front/-/environments/production/services/web/evidence`;
  await page.goto(`${place}/${instance}`);
  await page.getByRole('heading', { name: 'A failed instance of web in production' }).waitFor();
  expect(await page.getByText(instance).count()).toBe(1);
  expect(await page.locator('.graph').count()).toBe(0);
});

it('shows it to nobody else', async () => {
  const { instance } = await withFailure();
  const page = await ui.open('outsider');
  const place = '/projects/shop/front/-/environments/production/services/web/evidence';
  const answer = await page.goto(`${ui.url}${place}/${instance}`);
  expect(answer?.status()).toBe(404);
});
