/** Jobs in a browser: listed with their state, with their log, and ended by who may. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { LogFrame } from '../../src/core/log-file.ts';
import { sampleJob } from '../support/samples.ts';
import { barriers, useUi } from './rig.ts';

const ui = useUi();
const project = '/projects/shop/front';
const canceled: string[] = [];

const running = sampleJob({
  ...{ id: 'running1', state: 'running', command: ['node', 'report.js', '<script>'] },
  startedAt: Date.now() - 5_000,
});
const failed = sampleJob({
  ...{ id: 'failed1', kind: 'cron', name: 'nightly', state: 'failed', by: 'the clock' },
  ...{ reason: 'exit code 3', exitCode: 3, startedAt: 1_000, endedAt: 63_000 },
});

async function* frames(): AsyncGenerator<LogFrame> {
  yield { type: 'position', identity: 'j', offset: 0 };
  yield { type: 'data', bytes: Buffer.from('counting\n<b>done</b>\n') };
  yield { type: 'end', reason: 'the job has ended' };
}

beforeAll(() => {
  const all = [running, failed].map((job): Job => ({ ...job, project: ui.project }));
  Object.assign(ui.ekiden.jobs, {
    find: async (id: string) => all.find((job) => job.id === id),
    list: async () => ({ items: all }),
    cancel: async (id: string, by: string) => {
      canceled.push(`${id} by ${by}`);
      return all[0];
    },
    log: { ...ui.ekiden.jobs.log, follow: frames },
  });
});

describe('jobs', () => {
  it('are listed with state and reason, and lead to what they printed', async () => {
    const page = await ui.open('reporter');
    await page.goto(ui.url + project);
    const list = page.getByRole('region', { name: 'Jobs' });
    expect(await list.getByRole('listitem').allTextContents()).toEqual([
      expect.stringMatching(/running node report\.js <script> web in production/),
      expect.stringMatching(/failed nightly web in production.*cron.*exit code 3/s),
    ]);
    await list.getByRole('link', { name: 'nightly' }).click();
    await page.getByRole('heading', { name: 'nightly in production' }).waitFor();
    expect(await page.locator('dl').textContent()).toMatch(/Exit code\s*3/);
    await page.getByText('<b>done</b>').waitFor();
    expect(await page.getByRole('button', { name: 'End the job' }).count()).toBe(0);
  });

  it('are ended by who may deploy there', async () => {
    const page = await ui.open('maintainer');
    await page.goto(`${ui.url}/jobs/running1`);
    await page.getByRole('button', { name: 'End the job' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End the job' }).click();
    await expect.poll(() => canceled).toEqual(['running1 by maintainer']);
  });

  it('keep nobody out, and fit a phone', async () => {
    const page = await ui.open('maintainer', { viewport: { width: 390, height: 844 } });
    for (const path of [project, '/jobs/running1', '/jobs/failed1']) {
      await page.goto(ui.url + path);
      expect(await barriers(page), path).toEqual([]);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect(width, path).toBeLessThanOrEqual(390);
    }
  });

  it('are nobody’s business who may not look', async () => {
    const page = await ui.open('outsider');
    expect((await page.goto(`${ui.url}/jobs/running1`))?.status()).toBe(404);
  });
});
