/** The pages in a browser: signing in, what is seen and can be done, and that nobody is kept out. */
import type { Page, Route } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConflictError } from '../../src/core/errors.ts';
import type { Operations } from '../../src/deploy/operations/operations.ts';
import { instances } from './life.ts';
import { barriers, signIn, soon, useUi } from './rig.ts';

const ui = useUi();
const project = '/projects/shop/front';
const logs = `${project}/-/environments/production/services/web/instances/${instances[0]}`;

const textOf = (page: Page) => page.locator('main').textContent();

describe('signing in', () => {
  it('is asked for first, and leads to the page that was wanted', async () => {
    const page = await ui.open();
    await page.goto(`${ui.url}/builds/good1`);
    await page.getByLabel('Access token of GitLab').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('GitLab does not take the token').waitFor();
    await page.getByLabel('Access token of GitLab').fill(ui.tokens.reporter);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Build of cccccccccccc' }).waitFor();
    expect(page.url()).toBe(`${ui.url}/builds/good1`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${ui.url}/sign-in`);
    await page.goto(`${ui.url}/`);
    expect(page.url()).toContain('/sign-in');
  });

  it('shows nobody what they may not see', async () => {
    const page = await ui.open('outsider');
    await page.goto(`${ui.url}/`);
    expect(await textOf(page)).toContain('nothing here that you may see');
    for (const path of [project, '/builds/good1', '/deployments/live1', logs]) {
      const answer = await page.goto(ui.url + path);
      expect(answer?.status(), path).toBe(404);
      expect(await textOf(page)).toMatch(/There is no such/);
    }
  });
});

describe('every page', () => {
  const pages = ['/', project, '/builds/running1', '/deployments/late1', logs, '/nowhere'];

  it.each(['light', 'dark'] as const)('keeps nobody out, in %s', async (colorScheme) => {
    const page = await ui.open(undefined, { colorScheme });
    await page.goto(`${ui.url}/sign-in`);
    expect(await barriers(page)).toEqual([]);
    await signIn(page, ui.url, ui.tokens.maintainer);
    for (const path of pages) {
      await page.goto(ui.url + path);
      expect(await barriers(page), path).toEqual([]);
    }
  });

  it('fits a phone', async () => {
    const page = await ui.open('maintainer', { viewport: { width: 390, height: 844 } });
    for (const path of pages) {
      await page.goto(ui.url + path);
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(over, path).toBe(0);
    }
  });

  it('can be read and worked by keyboard', async () => {
    const page = await ui.open('maintainer');
    await page.goto(ui.url + project);
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Restart' }).first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await soon(() => page.locator(':focus').textContent()).toBe('Restart');
  });
});

describe('a project', () => {
  it('is found from the list, with what runs and what happened', async () => {
    const page = await ui.open('reporter');
    await page.goto(`${ui.url}/`);
    await page.getByRole('link', { name: 'shop/front' }).click();
    const text = await textOf(page);
    for (const part of [
      ...['production', 'review/x', 'degraded', '1 of 2 healthy', 'answers 503'],
      ...['Dockerfile:3: RUN npm ci ended with a non-zero code: 1', 'back to release 6'],
    ]) {
      expect(text).toContain(part);
    }
    const address = page.getByRole('link', { name: 'http://shop-front.localhost:8000/' });
    expect(await address.getAttribute('href')).toBe('http://shop-front.localhost:8000/');
  });

  it('draws what the service used', async () => {
    const page = await ui.open('reporter');
    await page.goto(ui.url + project);
    const graph = page
      .getByRole('article', { name: 'web in production' })
      .getByRole('img', { name: /^processors 0\.\d+, at most 0\.35$/ });
    await graph.locator('canvas').waitFor();
    const isDrawn = await graph.locator('canvas').evaluate((canvas: never) => {
      const { width, height, getContext } = canvas as unknown as Canvas;
      const { data } = getContext.call(canvas, '2d').getImageData(0, 0, width, height);
      return data.some((value) => value !== 0);
    });
    expect(isDrawn).toBe(true);
  });

  it('moves no button when its graphs come', async () => {
    const page = await ui.open('developer');
    const asked: Route[] = [];
    await page.route(/\/metrics$/, (route) => void asked.push(route));
    await page.goto(ui.url + project);
    const service = page.getByRole('article', { name: 'web in production' });
    const place = () => service.getByRole('button', { name: 'Restart' }).boundingBox();
    const before = await place();
    await soon(() => asked.length).toBeGreaterThan(0);
    for (const each of asked) await each.continue();
    await service.locator('canvas').last().waitFor();
    expect(await place()).toEqual(before);
  });

  it('shows how it was scaled elsewhere, but for a number that somebody is writing', async () => {
    const { services } = ui.ekiden;
    onTestFinished(() => void Object.assign(ui.ekiden, { services }));
    const page = await ui.open('maintainer');
    await page.goto(ui.url + project);
    const numbers = page.getByRole('spinbutton', { name: 'Instances' });
    await numbers.first().fill('7');
    await page.getByRole('button', { name: 'Build' }).focus();
    ui.ekiden.services = {
      ...services,
      find: async (name) => {
        const found = await services.find(name);
        return found && { ...found, instances: { ...found.instances, wanted: 4 } };
      },
    };
    await soon(() => numbers.last().inputValue()).toBe('4');
    expect(await numbers.first().inputValue()).toBe('7');
  });

  it('has graphs also of a service that is stopped, for when it is not', async () => {
    const page = await ui.open('reporter');
    await page.goto(ui.url + project);
    const service = page.getByRole('article', { name: 'web in review/x' });
    // They are drawn where the reader has come to see them.
    await service.locator('figure').scrollIntoViewIfNeeded();
    await service.locator('canvas').first().waitFor();
  });

  const ofDevelopers = ['Build', 'Restart', 'Redeploy'];

  it.each([
    ['reporter', []],
    ['developer', ofDevelopers],
    [
      'maintainer',
      [...ofDevelopers, 'Roll back', 'Scale', 'Suspend', 'Resume', 'Freeze', 'Hold pushes'],
    ],
  ] as const)('offers a %s what the role allows', async (role, wanted) => {
    const page = await ui.open(role);
    await page.goto(ui.url + project);
    const names = await page.getByRole('main').getByRole('button').allInnerTexts();
    expect([...new Set(names)].sort()).toEqual([...wanted].sort());
  });
});

interface Canvas {
  width: number;
  height: number;
  getContext: (kind: '2d') => {
    getImageData(x: number, y: number, width: number, height: number): { data: number[] };
  };
}

describe('an action', () => {
  const asked: unknown[] = [];
  const noted = (name: keyof Operations, answer: unknown) => {
    asked.length = 0;
    ui.ekiden.operations = {
      ...ui.ekiden.operations,
      [name]: async (...given: unknown[]) => {
        asked.push(...given);
        if (answer instanceof Error) throw answer;
        return answer;
      },
    };
  };

  it('is asked about, done, and told', async () => {
    const service = { project: ui.project, environment: 'production', service: 'web' };
    noted('scale', await ui.ekiden.services.find(service));
    const page = await ui.open('maintainer');
    await page.goto(ui.url + project);
    await page.getByRole('spinbutton', { name: 'Instances' }).first().fill('3');
    await page.getByRole('button', { name: 'Scale' }).first().click();
    await page.getByRole('dialog').getByText('Set the number of instances').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(asked).toEqual([]);
    await page.getByRole('button', { name: 'Scale' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Scale' }).click();
    await page.getByRole('status').getByText('Scale: under way.').waitFor();
    expect(asked).toEqual([service, { instances: 3, by: 'maintainer' }]);
    // What was sent is no longer being written, and the service has two yet.
    await soon(() => page.getByRole('spinbutton').first().inputValue()).toBe('2');
  });

  it('that queues a deployment leads to it', async () => {
    noted('rollback', [await ui.ekiden.deployments.find('live1')]);
    const page = await ui.open('maintainer');
    await page.goto(ui.url + project);
    await page.getByRole('button', { name: 'Roll back' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('link', { name: 'Look at the deployment' }).click();
    await page.getByRole('heading', { name: 'web in production' }).waitFor();
    expect(asked).toEqual([{ project: ui.project, environment: 'production', by: 'maintainer' }]);
  });

  it('that is refused says why, and what to do', async () => {
    const hint = 'Wait until it has ended.';
    noted('restart', new ConflictError('A deployment is under way.', { code: 'E_BUSY', hint }));
    const page = await ui.open('developer');
    await page.goto(ui.url + project);
    await page.getByRole('button', { name: 'Restart' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
    await page.getByText('Restart: A deployment is under way. Wait until it has ended.').waitFor();
  });
});
