/** Releases in a browser: how each stands, what one brought, and the way back to it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { EnvironmentRelease } from '../../src/core/release-history.ts';
import { sampleRelease } from '../support/samples.ts';
import { barriers, useUi } from './rig.ts';

const ui = useUi();
const list = '/projects/shop/front/-/environments/production/releases';
const asked: unknown[] = [];

function release(number: number, standing: EnvironmentRelease['standing']): EnvironmentRelease {
  const sha = String(number).repeat(40);
  const definition = { id: '/web', env: { KEY: 'correct-horse', PLAIN: 'plain-value' } };
  const kept = sampleRelease({ number, sha, definition, variables: ['KEY'], secrets: ['KEY'] });
  return {
    ...{ number, standing, sha, ref: 'refs/heads/main', build: 'good1', author: 'ada' },
    createdAt: Date.now() - (9 - number) * 3_600_000,
    commit: { sha, title: `Mend <b>what</b> was broken ${number}` },
    services: [{ service: 'web', runs: number === 4, evidence: 2, release: kept, standing }],
  };
}

const failed = (number: number) => ({
  ...{ instance: `shop_web.instance-1.${number}`, app: '/web', project: 1, release: number },
  ...{ environment: 'production', service: 'web', dataCentre: 'default', at: 1, checks: [] },
  ...{ state: 'TASK_FAILED', reason: 'exited with status 1' },
});

const all = [
  release(4, { state: 'good', since: 4_000 }),
  release(3, { state: 'bad', since: 3_000, reason: 'not healthy after 300 s: exit code 1' }),
  release(2, { state: 'good', since: 2_000 }),
];

beforeAll(() => {
  ui.ekiden.releaseHistory = {
    ...ui.ekiden.releaseHistory,
    list: async () => ({ items: all }),
    find: async (_, number) => all.find((each) => each.number === number),
    diff: async () => ({
      ...{ from: 2, to: 3, sha: { from: 'a', to: 'b' } },
      commits: { added: [{ sha: 'c'.repeat(40), title: 'A title' }], removed: [] },
      services: [
        {
          ...{ service: 'web', from: 2, to: 3, isSame: false, sha: {} },
          image: { from: 'r@sha256:1', to: 'r@sha256:2' },
          variables: { added: ['NEW'], removed: [], changed: [] },
          fragments: { added: [], removed: [], changed: ['template:node@20.1.0'] },
          settings: [{ name: 'cpus', from: '1', to: '2' }],
        },
      ],
    }),
  };
  const { evidence } = ui.ekiden;
  ui.ekiden.evidence = { ...evidence, list: async (_, number) => [failed(number)] };
  Object.assign(ui.ekiden.operations, {
    rollback: async (wanted: unknown) => {
      asked.push(wanted);
      return [];
    },
  });
});

describe('releases', () => {
  it('are listed with how each stands, and who may not go back sees no button', async () => {
    const page = await ui.open('developer');
    await page.goto(`${ui.url}/projects/shop/front`);
    await page.getByRole('region', { name: 'production' }).getByText('Releases').click();
    await page.getByRole('heading', { name: 'Releases in production' }).waitFor();
    const rows = page.getByRole('region', { name: 'Releases' }).getByRole('listitem');
    expect(await rows.allTextContents()).toEqual([
      expect.stringMatching(/good\s+Release 4: Mend <b>what<\/b>.*web \(runs\)/s),
      expect.stringMatching(/bad\s+Release 3: .*not healthy after 300 s: exit code 1/s),
      expect.stringMatching(/good\s+Release 2: .*by ada/s),
    ]);
    expect(await page.getByRole('button', { name: /Roll back/ }).count()).toBe(0);
  });

  it('come back by a button that names the release, by force where it takes that', async () => {
    const page = await ui.open('maintainer');
    await page.goto(ui.url + list);
    expect(await page.getByRole('button', { name: 'Roll back to 4' }).count()).toBe(0);
    for (const number of [2, 3]) {
      await page.getByRole('button', { name: `Roll back to ${number}` }).click();
      const dialog = page.getByRole('dialog');
      expect(await dialog.textContent()).toContain(`Bring back release ${number} in production`);
      await dialog.getByRole('button', { name: 'Roll back' }).click();
      await expect.poll(() => asked.length).toBe(number - 1);
    }
    const where = { project: ui.project, environment: 'production', by: 'maintainer' };
    expect(asked).toEqual([
      { ...where, release: 2 },
      { ...where, release: 3, force: true },
    ]);
  });

  it('tell what each brought, and the value of no variable', async () => {
    const page = await ui.open('reporter');
    await page.goto(ui.url + list);
    await page.getByRole('link', { name: /Release 3/ }).click();
    await page.getByRole('heading', { name: 'Release 3' }).waitFor();
    const changes = page.getByRole('list', { name: 'Changes of web' });
    const told = await changes.getByRole('listitem').allTextContents();
    expect(told.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual([
      '~ image',
      '+ variable NEW',
      '~ fragment template:node@20.1.0',
      '~ cpus: 1 → 2',
    ]);
    const instances = page.getByRole('list', { name: 'Failed instances' });
    expect(await instances.textContent()).toContain('exited with status 1');
    expect(await instances.getByRole('link').getAttribute('href')).toContain(
      '/services/web/evidence/shop_web.instance-1.3',
    );
    const text = await page.locator('main').textContent();
    expect(text).toContain('KEY (secret)');
    expect(text).not.toMatch(/correct-horse|plain-value/);
  });

  it.each(['light', 'dark'] as const)('keep nobody out, in %s, and fit a phone', async (theme) => {
    const viewport = { width: 390, height: 844 };
    const page = await ui.open('maintainer', { colorScheme: theme, viewport });
    for (const path of [list, `${list}/3`]) {
      await page.goto(ui.url + path);
      expect(await barriers(page), path).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    }
  });

  it.each([`${list}/9`, `${list}/x`, list.replace('production', '%20')])(
    'that are not there are not found: %s',
    async (path) => {
      const page = await ui.open('maintainer');
      expect((await page.goto(ui.url + path))?.status()).toBe(404);
    },
  );
});
