/** How soon the page of a project can be used in a browser that never saw it, and how much JavaScript that takes. */
import type { Browser } from 'playwright-core';
import { projectFiles } from '../demo/sample-project.ts';
import { type Stage, setStage } from '../demo/stage.ts';
import { awaitStatus } from '../demo/watching.ts';
import { clearStage } from '../flow/stage.ts';
import { launchChromium } from '../support/chromium.ts';
import { median } from './measure.ts';
import type { Bench, Row } from './stage.ts';

const visits = 5;
const path = 'bench/page';

export async function measurePage(bench: Bench): Promise<Row[]> {
  const options = { ...bench, deadline: 60 };
  const stage = await setStage(options);
  const browser = await launchChromium();
  try {
    await deploy(stage);
    const seen = await visit(stage, browser);
    const interactive = median(seen.map(({ milliseconds }) => milliseconds)).toFixed(0);
    const kilobytes = (median(seen.map(({ bytes }) => bytes)) / 1_000).toFixed(1);
    return [
      { what: 'project page: interactive', measured: `${interactive} ms`, aim: '≤ 500 ms' },
      { what: 'project page: JavaScript', measured: `${kilobytes} kB`, aim: '< 60 kB compressed' },
    ];
  } finally {
    await browser.close();
    await stage.stop();
    await clearStage({ ...options, data: stage.state.dataDir });
  }
}

/** A page of nothing would be quick. */
async function deploy({ gitlab, project: create }: Stage): Promise<void> {
  const project = await create(path);
  const sha = await project.copy.commit(projectFiles('v1'), 'v1');
  await project.copy.push();
  const name = 'ekiden/deploy/production/web';
  const states = ['success', 'failed'];
  await awaitStatus(gitlab, { project: project.id, sha, name, states, within: 120_000 });
}

interface Visit {
  /** From the click until the scripts of the page have run. */
  milliseconds: number;
  /** Of all scripts, as they were sent. */
  bytes: number;
}

async function visit({ state }: Stage, browser: Browser): Promise<Visit[]> {
  const storageState = await signIn(state, browser);
  const seen: Visit[] = [];
  for (let count = 0; count < visits; count += 1) {
    const context = await browser.newContext({ storageState });
    const page = await context.newPage();
    await page.goto(`${state.ekidenUrl}/projects/${path}`, { waitUntil: 'networkidle' });
    // Modules run before the event of the loaded document (HTML, "the end").
    const { timings, loaded } = await page.evaluate(readTimings);
    const scripts = loaded.filter(({ name }) => /\.js(\?|$)/.test(name));
    const bytes = scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    seen.push({ milliseconds: timings?.domContentLoadedEventEnd ?? Number.NaN, bytes });
    await context.close();
  }
  return seen;
}

/** What is read of the browser's own measurements. */
interface Timing {
  name: string;
  domContentLoadedEventEnd: number;
  encodedBodySize: number;
}

/** Runs in the page. */
function readTimings(): { timings: Timing | undefined; loaded: Timing[] } {
  const { performance: clock } = globalThis as unknown as {
    performance: { getEntriesByType(type: string): Timing[] };
  };
  const [timings] = clock.getEntriesByType('navigation');
  return { timings, loaded: clock.getEntriesByType('resource') };
}

async function signIn({ ekidenUrl, gitlabToken }: Stage['state'], browser: Browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${ekidenUrl}/sign-in`);
  await page.getByLabel('Access token of GitLab').fill(gitlabToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  const storageState = await context.storageState();
  await context.close();
  return storageState;
}
