/** Logs in a browser: as they grow, through breaks, and however much there is. */
import type { Page, Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { LogFrame } from '../../src/core/log-file.ts';
import { sampleBuild } from '../support/samples.ts';
import { instances } from './life.ts';
import { soon, useUi } from './rig.ts';

const ui = useUi({ base: '/ops/ekiden' });
const files = `/projects/shop/front/-/environments/production/services/web/instances/${instances[0]}`;

const lines = (page: Page) => page.locator('[data-log-lines]');
const textOf = (page: Page) => lines(page).textContent();
const stateOf = (page: Page) => page.locator('[data-log-state]').textContent();

/** A build that runs, and what it says. */
async function startBuild() {
  const { id: project } = { id: ui.project };
  const id = crypto.randomUUID().slice(0, 8);
  const build = { id, project, projectPath: 'shop/front', state: 'running' as const };
  await ui.ekiden.builds.create(sampleBuild({ ...build, createdAt: Date.now() }));
  const log = await ui.ekiden.buildLogs.open(id);
  return { id, log };
}

/** Frames that a test hands out one by one, to each who follows. */
function giveFrames(frames: (from: number | undefined) => AsyncGenerator<LogFrame>) {
  ui.ekiden.logFiles.follow = (_instance, _path, { from }) => frames(from);
}

const data = (text: string): LogFrame => ({ type: 'data', bytes: Buffer.from(text) });

/** Tickets that the page asks for, each answered when the test says so. */
async function holdTickets(page: Page): Promise<Route[]> {
  const held: Route[] = [];
  await page.route(/\/tickets$/, (route) => void held.push(route));
  return held;
}

describe('the log of a build', () => {
  it('grows on the page, and ends with the build', async () => {
    const { id, log } = await startBuild();
    log.write('step one\n\u001b[31mnot good\u001b[0m\n<img src=x>\nhalf a');
    const page = await ui.open('reporter');
    await page.goto(`${ui.url}/builds/${id}`);
    await soon(() => textOf(page)).toContain('half a');
    expect(await lines(page).locator('.ansi-red').textContent()).toBe('not good');
    expect(await textOf(page)).toContain('<img src=x>');
    log.write(' line\nstep two\n');
    await soon(() => textOf(page)).toContain('half a line\nstep two');
    await page.getByText('running').first().waitFor();
    await log.close();
    await ui.ekiden.builds.end(id, 'failed', 'exit code 7');
    await page.getByText('exit code 7').waitFor();
    await page.locator('#state').getByText('failed').waitFor();
    await soon(() => stateOf(page)).toMatch(/end/);
  });

  it('tells of each step how it went, and goes to where it is in the log', async () => {
    const page = await ui.open('reporter');
    await page.goto(`${ui.url}/builds/good1`);
    const steps = await page.locator('.steps li').allTextContents();
    expect(steps.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual([
      '#1 cached FROM node:20 Dockerfile:1',
      expect.stringMatching(/^#2 run COPY package.json .* 210 ms ?package-lock.json changed · /),
      expect.stringMatching(/^#3 run RUN npm ci .* 1 min 14 s ?step 2 changed · services\/web/),
      expect.stringMatching(/^#4 canceled CMD/),
    ]);
    await soon(() => textOf(page)).toContain('07:11:18 #3');
    await page.getByRole('button', { name: 'Show step 3 in the log' }).click();
    const begin = lines(page).getByText('07:10:04 #3 RUN npm ci');
    expect(await begin.isVisible()).toBe(true);
    const top = () => lines(page).evaluate((box: { scrollTop: number }) => box.scrollTop);
    await soon(top).toBeLessThan(200);
    expect(
      await page.getByRole('button', { name: 'Follow the end' }).getAttribute('aria-pressed'),
    ).toBe('false');
  });

  it('can be cancelled from its page', async () => {
    const { id, log } = await startBuild();
    await log.close();
    ui.ekiden.buildRequests.cancel = async (build) => {
      await ui.ekiden.builds.end(build, 'canceled');
      return sampleBuild({ id: build, project: ui.project, state: 'canceled' });
    };
    const page = await ui.open('developer');
    await page.goto(`${ui.url}/builds/${id}`);
    await page.getByRole('button', { name: 'Cancel the build' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the build' }).click();
    await page.locator('#state').getByText('canceled').waitFor();
    await soon(() => page.getByRole('button', { name: 'Cancel the build' }).count()).toBe(0);
  });

  it('offers no more to cancel once it has ended, even where somebody was about to', async () => {
    const { id, log } = await startBuild();
    const page = await ui.open('developer');
    await page.goto(`${ui.url}/builds/${id}`);
    await page.getByRole('button', { name: 'Cancel the build' }).focus();
    await log.close();
    await ui.ekiden.builds.end(id, 'succeeded');
    await page.locator('#state').getByText('succeeded').waitFor();
    await soon(() => page.getByRole('button', { name: 'Cancel the build' }).count()).toBe(0);
  });
});

/** For what a browser that shares its machine needs minutes for. */
const heavy = { timeout: 150_000 };

describe('a log file', () => {
  it('is chosen from the list', async () => {
    giveFrames(async function* () {
      yield { type: 'position', identity: 'i', offset: 0 };
      yield data('first line\n');
      yield { type: 'end', reason: 'the instance has ended' };
    });
    const page = await ui.open('reporter');
    await page.goto(ui.url + files);
    await page.getByRole('heading', { name: 'stdout' }).waitFor();
    await page.getByRole('link', { name: 'logs/access.log' }).click();
    await page.getByRole('heading', { name: 'logs/access.log' }).waitFor();
    await soon(() => textOf(page)).toBe('first line\n');
    await soon(() => stateOf(page)).toBe('the instance has ended');
  });

  it('goes on where it was when the connection breaks, also within a character', async () => {
    const begun: (number | undefined)[] = [];
    const bytes = Buffer.from('one ü two\n');
    giveFrames(async function* (from) {
      begun.push(from);
      const isFirst = begun.length === 1;
      yield { type: 'position', identity: 'i', offset: isFirst ? 0 : (from ?? 0) };
      yield { type: 'data', bytes: isFirst ? bytes.subarray(0, 5) : bytes.subarray(5) };
      if (isFirst) throw new Error('the node went away');
      yield { type: 'end', reason: 'the end' };
    });
    const page = await ui.open('reporter');
    await page.goto(ui.url + files);
    await soon(() => textOf(page)).toBe('one ü two\n');
    expect(begun).toEqual([-2_000_000, 5]);
  });

  it('tells of what was left out, and of a new file', async () => {
    giveFrames(async function* () {
      yield { type: 'position', identity: 'i', offset: 700 };
      yield data('old\nno end');
      yield { type: 'skipped', bytes: 99 };
      yield { type: 'position', identity: 'i', offset: 900 };
      yield data('later\n');
      yield { type: 'rotated' };
      yield { type: 'position', identity: 'j', offset: 0 };
      yield data('new\n');
    });
    const page = await ui.open('reporter');
    await page.goto(ui.url + files);
    const wanted = ['old', 'no end', '— 99 bytes were left out —', 'later'];
    await soon(() => textOf(page)).toBe(
      `${[...wanted, '— the file begins anew —', 'new'].join('\n')}\n`,
    );
    expect(await page.getByText('Earlier lines are left out here.').isVisible()).toBe(true);
  });

  it('of any length keeps its last 50,000 lines, and the reader at the end', heavy, async () => {
    giveFrames(async function* () {
      yield { type: 'position', identity: 'i', offset: 0 };
      for (let part = 0; part < 60; part += 1) {
        const numbers = Array.from({ length: 2_000 }, (_, at) => part * 2_000 + at + 1);
        yield data(`${numbers.map((number) => `line ${number}`).join('\n')}\n`);
      }
    });
    const page = await ui.open('reporter');
    await page.goto(ui.url + files);
    await lines(page).getByText('line 120000').waitFor({ state: 'attached', timeout: 120_000 });
    const kept = (await lines(page).evaluate((box: { textContent: string }) => box.textContent))
      .trim()
      .split('\n');
    expect(kept.length).toBeGreaterThan(49_000);
    expect(kept.length).toBeLessThanOrEqual(50_500);
    expect(kept.at(-1)).toBe('line 120000');
    const fromEnd = () =>
      lines(page).evaluate(
        (box: { scrollHeight: number; scrollTop: number; clientHeight: number }) =>
          box.scrollHeight - box.scrollTop - box.clientHeight,
      );
    await soon(fromEnd).toBeLessThan(40);
  });

  it('of long lines keeps as many as a browser can hold', heavy, async () => {
    const page = await ui.open('reporter');
    giveFrames(async function* () {
      yield { type: 'position', identity: 'i', offset: 0 };
      for (let part = 1; part <= 800; part += 1) {
        yield data(`${part} ${'x'.repeat(4_995)}\n`.repeat(6));
        // The page draws meanwhile, as it does of a log that is slower.
        if (part % 50 === 0) await page.evaluate('new Promise(requestAnimationFrame)');
      }
      yield data('the last one\n');
    });
    await page.goto(ui.url + files);
    const shown = () =>
      lines(page).evaluate(({ textContent }: { textContent: string }) => ({
        size: textContent.length,
        end: textContent.slice(-13),
      }));
    const patience = { timeout: 120_000 };
    await expect.poll(async () => (await shown()).end, patience).toBe('the last one\n');
    expect((await shown()).size).toBeLessThan(21_000_000);
    expect(await page.getByText('Earlier lines are left out here.').isVisible()).toBe(true);
  });

  it('stays where the reader is, and pauses', async () => {
    let more = async () => {};
    const begun: (number | undefined)[] = [];
    giveFrames(async function* (from) {
      begun.push(from);
      const at = begun.length === 1 ? 0 : (from ?? 0);
      yield { type: 'position', identity: 'i', offset: at };
      if (begun.length === 1) yield data('a line\n'.repeat(1_000));
      await new Promise<void>((resolve) => {
        more = async () => resolve();
      });
      yield data('what came later\n');
      await new Promise(() => undefined);
    });
    const page = await ui.open('reporter');
    await page.goto(ui.url + files);
    await soon(() => textOf(page)).toContain('a line');
    const follow = page.getByRole('button', { name: 'Follow the end' });
    await lines(page).hover();
    await soon(async () => {
      await page.mouse.wheel(0, -2_000);
      return follow.getAttribute('aria-pressed');
    }).toBe('false');
    const pause = page.getByRole('button', { name: 'Pause' });
    await pause.click();
    await soon(() => stateOf(page)).toBe('paused');
    await more();
    await pause.click();
    await soon(() => begun).toEqual([-2_000_000, 7_000]);
    await soon(() => stateOf(page)).toBe('following');
    await soon(async () => {
      await more();
      return textOf(page);
    }).toContain('what came later');
    expect((await textOf(page))?.match(/what came later/g)).toHaveLength(1);
    await follow.click();
    await soon(() => follow.getAttribute('aria-pressed')).toBe('true');
  });

  it('that is paused and taken up at once is followed once', async () => {
    giveFrames(async function* () {
      yield { type: 'position', identity: 'i', offset: 0 };
      yield data('a line\n');
      await new Promise(() => undefined);
    });
    const page = await ui.open('reporter');
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    const tickets = await holdTickets(page);
    await page.goto(ui.url + files);
    const pause = page.getByRole('button', { name: 'Pause' });
    await pause.click();
    await pause.click();
    await soon(() => tickets.length).toBe(2);
    for (const ticket of tickets) await ticket.continue();
    await soon(() => stateOf(page)).toBe('following');
    await soon(() => textOf(page)).toBe('a line\n');
    expect(sockets).toHaveLength(1);
  });

  it('that is paused stays so, whatever comes of the ticket', async () => {
    const page = await ui.open('reporter');
    const tickets = await holdTickets(page);
    await page.goto(ui.url + files);
    await soon(() => tickets.length).toBe(1);
    await page.getByRole('button', { name: 'Pause' }).click();
    const answered = page.waitForResponse(/tickets$/);
    await tickets[0]?.fulfill({ status: 403, json: { title: 'You may not.' } });
    await (await answered).finished();
    expect(await stateOf(page)).toBe('paused');
  });

  it('that grows where nobody looks keeps its end, and no more than fits', async () => {
    giveFrames(async function* () {
      yield { type: 'position', identity: 'i', offset: 0 };
      for (let part = 1; part <= 100; part += 1) yield data(`${part} ${'x'.repeat(100_000)}\n`);
      yield { type: 'end', reason: 'the end' };
    });
    const page = await ui.open('reporter');
    // No frame is drawn until the test asks for it, as in a tab that is hidden.
    await page.addInitScript('window.requestAnimationFrame = (draw) => { window.drawNow = draw; }');
    await page.goto(ui.url + files);
    await soon(() => stateOf(page)).toBe('the end');
    expect(await page.getByText('Earlier lines are left out here.').isVisible()).toBe(true);
    await page.evaluate('window.drawNow()');
    const parts = (await textOf(page))?.match(/^\d+ /gm)?.map(Number) ?? [];
    expect(parts.at(-1)).toBe(100);
    expect(parts.length).toBeLessThan(50);
  });
});
