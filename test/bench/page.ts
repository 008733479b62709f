/** How soon the page of a project can be used in a browser that never saw it, and how much JavaScript that takes. */
import type { Browser, BrowserContext } from 'playwright-core';
import { projectFiles } from '../demo/sample-project.ts';
import { type Stage, setStage } from '../demo/stage.ts';
import { awaitStatus } from '../demo/watching.ts';
import { clearStage } from '../flow/stage.ts';
import { launchChromium } from '../support/chromium.ts';
import { median } from './measure.ts';
import { type Bench, type Row, type Stop, stopAll } from './stage.ts';

const visits = 5;
const path = 'bench/page';

/**
 * The page is interactive when it is parsed, all of its scripts have run and both of its graphs are
 * drawn; milliseconds count from the start of the navigation. The JavaScript is the bodies of all
 * scripts as they are sent, without headers.
 */
export async function measurePage(bench: Bench): Promise<Row[]> {
  const options = { ...bench, deadline: 60 };
  const stops: Stop[] = [];
  try {
    const stage = await setStage(options);
    stops.push(() => clearStage({ ...options, data: stage.state.dataDir }), stage.stop);
    await deploy(stage);
    const browser = await launchChromium();
    stops.push(() => browser.close());
    return rowsOf(await visitAll(stage, browser));
  } finally {
    await stopAll(stops);
  }
}

function rowsOf(seen: Visit[]): Row[] {
  const mid = (of: (visit: Visit) => number) => median(seen.map(of)).toFixed(0);
  const kilobytes = (median(seen.map(({ bytes }) => bytes)) / 1_000).toFixed(1);
  const interactive = `${mid((visit) => Math.max(visit.ran, visit.drawn))} ms (scripts ${mid(({ ran }) => ran)} ms)`;
  return [
    { what: 'project page: interactive', measured: interactive, aim: '≤ 500 ms' },
    { what: 'project page: JavaScript', measured: `${kilobytes} kB`, aim: '< 60 kB compressed' },
  ];
}

/** A page of nothing would be quick. */
async function deploy({ gitlab, project: create }: Stage): Promise<void> {
  const project = await create(path);
  const sha = await project.copy.commit(projectFiles('v1'), 'v1');
  await project.copy.push();
  const name = 'ekiden/deploy/production/web';
  const states = ['success', 'failed'];
  const wanted = { project: project.id, sha, name, states, within: 120_000 };
  const { status, description } = await awaitStatus(gitlab, wanted);
  if (status !== 'success') throw new Error(`the project does not run: ${description}`);
}

interface Visit {
  /** Milliseconds until the scripts of the page have run. */
  ran: number;
  /** Milliseconds until the frame that shows the last graph. */
  drawn: number;
  /** Of all scripts, as they were sent. */
  bytes: number;
}

async function visitAll({ state }: Stage, browser: Browser): Promise<Visit[]> {
  const url = `${state.ekidenUrl}/projects/${path}`;
  const storageState = await signIn(state, browser);
  const seen: Visit[] = [];
  // The first visit waits until something was measured that a graph can show, and does not count.
  for (let count = 0; count <= visits; count += 1) {
    const context = await browser.newContext({ storageState });
    const visit = await visitOnce(context, url);
    if (count > 0) seen.push(visit);
    await context.close();
  }
  return seen;
}

async function visitOnce(context: BrowserContext, url: string): Promise<Visit> {
  const page = await context.newPage();
  await page.addInitScript(markDrawn);
  await page.goto(url);
  await page.waitForFunction(isDrawn, undefined, { timeout: 60_000 });
  const { ran, drawn, loaded } = await page.evaluate(readTimings);
  const scripts = loaded.filter(({ name }) => /\.js(\?|$)/.test(name));
  return { ran, drawn, bytes: scripts.reduce((sum, { encodedBodySize: sent }) => sum + sent, 0) };
}

/** Runs in the page before its own scripts: marks the frame that shows the last graph. */
const markDrawn = `new MutationObserver((_, observer) => {
  const places = [...document.querySelectorAll('[data-graph]')];
  if (places.length === 0 || places.some((place) => !place.querySelector('canvas'))) return;
  observer.disconnect();
  requestAnimationFrame(() => performance.mark('drawn'));
}).observe(document, { childList: true, subtree: true });`;

/** What is read of the browser's own measurements. */
interface Timing {
  name: string;
  startTime: number;
  domContentLoadedEventEnd: number;
  encodedBodySize: number;
}

/** Runs in the page, whose policy about scripts stops texts. */
function isDrawn(): boolean {
  return performance.getEntriesByName('drawn').length > 0;
}

/** Runs in the page. */
function readTimings() {
  const { performance: clock } = globalThis as unknown as {
    performance: { getEntriesByType(type: string): Timing[] };
  };
  const [navigation] = clock.getEntriesByType('navigation');
  const drawn = clock.getEntriesByType('mark').find(({ name }) => name === 'drawn');
  return {
    // Deferred scripts and modules run before this event (HTML, "the end").
    ran: navigation?.domContentLoadedEventEnd ?? Number.NaN,
    drawn: drawn?.startTime ?? Number.NaN,
    loaded: clock.getEntriesByType('resource'),
  };
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
