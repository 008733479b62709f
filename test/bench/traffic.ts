/** What users lose while an app is restarted, scaled down and rolled back: requests through nginx all along. */
import { setTimeout as delay } from 'node:timers/promises';
import { poll } from '../demo/poll.ts';
import { type Stage, setStage } from '../demo/stage.ts';
import { clearStage } from '../flow/stage.ts';
import { isTaken, type Outcome, sendSteadily } from './load.ts';
import { quantile } from './measure.ts';
import { type Bench, type Row, type Stop, stopAll } from './stage.ts';
import { pushVersion } from './versions.ts';

const runs = 5;
const perSecond = 200;
const path = 'bench/traffic';
const host = 'bench-traffic.localhost';
const instances = 4;

const ends = ['succeeded', 'failed', 'superseded'];

/** Longest that one run may take, in seconds. */
const longest = 180;

/** An app that works for 50 ms on each request, and ends at once when it is told to. */
const server = (version: string) => `import { createServer } from 'node:http';
createServer((request, response) => {
  request.resume();
  setTimeout(() => response.end('${version}'), request.url === '/health' ? 0 : 50);
}).listen(8080);
process.on('SIGTERM', () => process.exit(0));
`;

const manifest = `services:
  web: { mem: 64, instances: ${instances}, ports: [8080], health: { path: /health, interval: 1s } }
`;

export const measureTraffic = (bench: Bench) => measure(bench, {}, '');

/** The same where the engine ends instances at once, as a real Marathon does. */
export const measureUndrained = (bench: Bench) =>
  measure(bench, { EKIDEN_DRAIN: '0' }, ', undrained');

async function measure(bench: Bench, settings: Record<string, string>, how: string) {
  const options = { ...bench, deadline: 120, settings };
  const stops: Stop[] = [];
  try {
    const stage = await setStage(options);
    stops.push(() => clearStage({ ...options, data: stage.state.dataDir }), stage.stop);
    const project = await stage.project(path);
    for (const version of ['v1', 'v2']) {
      await pushVersion(stage, project, { version, files: filesOf(version) });
    }
    const app = createApp(stage, project.id);
    await app.settled(instances);
    const rows: Row[] = [];
    for (let run = 1; run <= runs; run += 1) {
      rows.push(rowOf(await measureRun(stage, app, run), `${how}, run ${run}`));
    }
    return rows;
  } finally {
    await stopAll(stops);
  }
}

const filesOf = (version: string) => ({
  Dockerfile: 'INCLUDE template:node@20\nCOPY server.mjs ./\nCMD ["node", "server.mjs"]\n',
  '.ekiden.yml': manifest,
  'server.mjs': server(version),
});

/** What is done to the app meanwhile, each until nothing of it is under way. */
function createApp({ state }: Stage, project: number) {
  const ofProject = `${state.ekidenUrl}/api/v1/projects/${project}`;
  const environment = `${ofProject}/environments/production`;
  const service = `${environment}/services/web`;

  async function ask(method: string, url: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await fetch(url, {
      method,
      headers: { 'private-token': state.gitlabToken },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** Draining goes on when Marathon has nothing more to do, and belongs to the run. */
  async function settled(wanted: number): Promise<void> {
    await poll(async () => {
      const { health, isDeploying, instances: counts } = await ask('GET', service);
      const { healthy, stopping } = counts as { healthy: number; stopping: number };
      const isDone = health === 'healthy' && !isDeploying && healthy === wanted && stopping === 0;
      return isDone || undefined;
    }, waiting('the app to settle'));
  }

  async function deployed(method: string, url: string, body: object): Promise<void> {
    const { deployments } = await ask(method, url, body);
    const [{ id = '' } = {}] = deployments as { id?: string }[];
    await poll(async () => {
      const { state: now, reason } = await ask('GET', `${ofProject}/deployments/${id}`);
      if (now === 'failed') throw new Error(String(reason));
      return now === 'succeeded' || undefined;
    }, waiting('the deployment'));
    await settled(instances);
  }

  /** Where instances would end with their requests, a restart is a deployment. */
  async function allEnded(): Promise<void> {
    await poll(async () => {
      const { items } = await ask('GET', `${ofProject}/deployments`);
      const open = (items as { state: string }[]).filter(({ state: now }) => !ends.includes(now));
      return open.length === 0 || undefined;
    }, waiting('the deployments to end'));
  }

  return {
    settled,
    async restart() {
      await ask('POST', `${service}/restart`);
      await allEnded();
      await settled(instances);
    },
    async scale(to: number) {
      await ask('PUT', `${service}/scale`, { instances: to });
      await settled(to);
    },
    rollBack: () => deployed('POST', `${environment}/rollback`, { release: 1 }),
    async redeploy() {
      const { items } = await ask('GET', `${ofProject}/builds`);
      const [newest] = items as { id: string }[];
      await deployed('POST', `${ofProject}/deployments`, { build: newest?.id });
    },
  };
}

function waiting(what: string) {
  return { within: longest * 1_000, every: 200, what };
}

/** Half of all requests change something, as far as nginx knows. */
const shot = (n: number) => ({
  method: n % 2 === 0 ? ('GET' as const) : ('POST' as const),
  headers: { host, 'content-type': 'text/plain' },
  body: Buffer.from('a'.repeat(200)),
});

async function measureRun(
  { state }: Stage,
  app: ReturnType<typeof createApp>,
  run: number,
): Promise<Outcome[]> {
  const ending = new AbortController();
  const count = longest * perSecond;
  const load = { url: state.nginxUrl, shot, count, perSecond, signal: ending.signal };
  const sending = sendSteadily(load);
  try {
    await delay(1_000);
    await app.restart();
    await app.scale(2);
    await app.scale(instances);
    await app.rollBack();
    await delay(1_000);
  } finally {
    ending.abort();
  }
  const outcomes = await sending;
  if (run < runs) await app.redeploy();
  return outcomes;
}

function rowOf(outcomes: Outcome[], which: string): Row {
  const failed = outcomes.filter((outcome) => !isTaken(outcome));
  const codes = [...new Set(failed.map(({ status }) => status ?? 'no answer'))].join(', ');
  const late = quantile(
    outcomes.map(({ milliseconds }) => milliseconds),
    0.99,
  ).toFixed(0);
  const told = `${failed.length} of ${outcomes.length} failed${codes ? ` (${codes})` : ''}`;
  return {
    what: `restart, scale down, roll back under ${perSecond}/s${which}`,
    measured: `${told}, p99 ${late} ms`,
    aim: '0 failed',
  };
}
