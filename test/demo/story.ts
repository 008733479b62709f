/** The story of the demo: five pushes, each with what must come of it. */
import { type Leg, type LegName, withLeg } from '../../src/core/timeline.ts';
import { poll } from './poll.ts';
import { type Files, projectFiles } from './sample-project.ts';
import type { Stage } from './stage.ts';
import { ask, startTraffic, type TrafficCounts } from './traffic.ts';
import { awaitStatus, type BuildPage, readPage, statusesOf } from './watching.ts';

export interface StoryOptions {
  stage: Stage;
  /** Seconds until a broken deployment is reversed. */
  deadline: number;
  say: (line?: string) => void;
  /** Draws the legs of one push. */
  draw: (title: string, legs: Leg[]) => void;
}

export interface StoryResult {
  /** Address of the app through nginx. */
  appUrl: string;
  commitUrl: string;
  coldPushToLiveMs: number;
  warmPushToLiveMs: number;
  traffic: TrafficCounts;
  /** Milliseconds of each leg of the warm push. */
  legs: Record<LegName, number>;
}

interface Teller extends StoryOptions {
  project: Awaited<ReturnType<Stage['project']>>;
  host: string;
}

interface Push {
  sha: string;
  /** When the git push process started. */
  start: number;
}

const projectPath = 'demo/hello';
const buildStatus = 'ekiden/build';
const deployStatus = 'ekiden/deploy/production/web';
const livePatience = 120_000;
const enoughOfEachKind = 200;

export async function tellStory(options: StoryOptions): Promise<StoryResult> {
  const { stage } = options;
  const project = await stage.project(projectPath);
  const teller: Teller = { ...options, project, host: 'demo-hello.localhost' };
  const cold = await pushAndGoLive(teller, 'v1', 'A first push, with nothing there yet');
  const { warm, traffic } = await replaceUnderTraffic(teller);
  await breakAndComeBack(teller);
  await pushAndGoLive(teller, 'v4', 'A push repairs it');
  const newest = await supersede(teller);
  const { port } = new URL(stage.state.nginxUrl);
  return {
    appUrl: `http://${teller.host}:${port}/`,
    commitUrl: `${project.webUrl}/-/commit/${newest.sha}`,
    coldPushToLiveMs: cold.live,
    warmPushToLiveMs: warm.live,
    traffic,
    legs: legTimes(warm.legs),
  };
}

async function pushVersion(teller: Teller, files: Files, message: string): Promise<Push> {
  const { copy } = teller.project;
  const sha = await copy.commit(files, message);
  return { sha, start: await copy.push() };
}

/** Pushes a version and waits until a user gets it. */
async function pushAndGoLive(teller: Teller, version: string, title: string) {
  const { say } = teller;
  say();
  say(`${title}: ${version}`);
  const { copy } = teller.project;
  const sha = await copy.commit(projectFiles(version), version);
  const live = awaitVersion(teller, version);
  const start = await copy.push();
  const took = (await live) - start;
  await awaitGreen(teller, sha);
  const legs = await legsOf(teller, { sha, start });
  teller.draw(`${version} answers ${(took / 1000).toFixed(1)} s after the push`, legs);
  return { live: took, legs };
}

/** Answers when nginx first gave an answer of this version. */
function awaitVersion({ stage, host }: Teller, version: string): Promise<number> {
  return poll(
    async () => {
      const { status, body } = await ask({ url: stage.state.nginxUrl, host });
      return status === 200 && body.includes(`"${version}"`) ? Date.now() : undefined;
    },
    { within: livePatience, every: 20, what: `an answer of ${version}` },
  );
}

async function awaitGreen({ stage, project }: Teller, sha: string): Promise<void> {
  for (const name of [buildStatus, deployStatus]) {
    const wanted = { project: project.id, sha, name, within: livePatience };
    const { status, description } = await awaitStatus(stage.gitlab, {
      ...wanted,
      states: ['success', 'failed', 'canceled', 'skipped'],
    });
    if (status !== 'success') throw new Error(`${name} is ${status}: ${description}`);
  }
}

async function replaceUnderTraffic(teller: Teller) {
  const { stage, host } = teller;
  const client = startTraffic({ url: stage.state.nginxUrl, host, perSecond: 50 });
  const warm = await pushAndGoLive(
    teller,
    'v2',
    'A second push replaces it while a client asks 50 times a second',
  );
  await poll(
    () => {
      const { fresh, kept } = client.counts().requests;
      return Math.min(fresh, kept) >= enoughOfEachKind || undefined;
    },
    { within: livePatience, what: 'enough requests' },
  );
  await awaitQuiet(teller);
  const traffic = await client.stop();
  const { fresh, kept } = traffic.requests;
  teller.say(
    `  ${fresh} requests over fresh and ${kept} over kept connections, ${traffic.failures.length} failed`,
  );
  return { warm, traffic };
}

/** Waits until the old instances are gone, so that the traffic has seen them go. */
async function awaitQuiet({ stage }: Teller): Promise<void> {
  await poll(async () => ((await deploymentsIn(stage)).length === 0 ? true : undefined), {
    within: livePatience,
    what: 'the end of all deployments in Marathon',
  });
}

async function deploymentsIn({ state }: Stage): Promise<unknown[]> {
  return (await (await fetch(`${state.marathonUrl}/v2/deployments`)).json()) as unknown[];
}

async function breakAndComeBack(teller: Teller): Promise<void> {
  const { stage, project, say, deadline } = teller;
  say();
  say('A third push listens on the wrong port, so it never becomes healthy: v3');
  const before = await currentCommit(teller);
  const { sha } = await pushVersion(teller, projectFiles('v3', 3000), 'v3');
  const { status, description } = await awaitStatus(stage.gitlab, {
    project: project.id,
    sha,
    name: deployStatus,
    states: ['failed', 'success'],
    within: livePatience + deadline * 1000,
  });
  if (status !== 'failed') throw new Error('the broken version counts as live');
  if ((await currentCommit(teller)) !== before) throw new Error('the old definition is not back');
  if ((await deploymentsIn(stage)).length > 0) throw new Error('the app is still locked');
  await awaitVersion(teller, 'v2');
  say(`  GitLab shows: ${description}`);
  say('  v2 answers as before, and nothing is locked');
}

/** The commit of the definition that Marathon has for the app. */
async function currentCommit({ stage }: Teller): Promise<string> {
  const answer = await fetch(`${stage.state.marathonUrl}/v2/apps//demo/hello/production/web`);
  const { app } = (await answer.json()) as { app: { labels: Record<string, string> } };
  return app.labels['ekiden.commit'] ?? '';
}

/** Of two pushes in quick succession, the older gives way. */
async function supersede(teller: Teller): Promise<Push> {
  const { stage, project, say } = teller;
  say();
  say('Two pushes in quick succession: v5 and v6');
  const older = await pushVersion(teller, projectFiles('v5'), 'v5');
  const live = awaitVersion(teller, 'v6');
  const newer = await pushVersion(teller, projectFiles('v6'), 'v6');
  await live;
  await awaitGreen(teller, newer.sha);
  const shown = await poll(
    async () => {
      const rows = await statusesOf(stage.gitlab, project.id, older.sha);
      return rows.find((row) => row.status === 'canceled');
    },
    { within: livePatience, what: 'the older push being canceled' },
  );
  say(`  v6 is live; of v5 GitLab shows: ${shown.name} ${shown.status}, ${shown.description}`);
  return newer;
}

/** All legs of a push, from the start of the git process, as Ekiden's pages tell them. */
async function legsOf({ stage, project }: Teller, { sha, start }: Push): Promise<Leg[]> {
  const rows = await statusesOf(stage.gitlab, project.id, sha);
  const link = rows.find((row) => row.name === buildStatus)?.targetUrl ?? '';
  const build = await poll(
    async () => {
      const page = await readPage<BuildPage>(stage.gitlab, link);
      const ended =
        page.deployments.length > 0 && page.deployments.every((each) => each.state === 'succeeded');
      return ended ? page : undefined;
    },
    { within: livePatience, what: `the timeline at ${link}` },
  );
  const legs = [...build.legs, ...(build.deployments[0]?.legs ?? [])];
  const hook = legs.find((leg) => leg.name === 'hook');
  return hook ? withLeg(legs, { ...hook, start }) : legs;
}

function legTimes(legs: Leg[]): Record<LegName, number> {
  const entries = legs.map(({ name, start, end }) => [name, (end ?? start) - start]);
  return Object.fromEntries(entries) as Record<LegName, number>;
}
