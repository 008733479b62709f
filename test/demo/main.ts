/** `npm run demo`: shows the main job on real parts; `--once` runs it through and ends with one line of JSON. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { renderWaterfall } from '../../src/core/timeline.ts';
import { type Stage, setStage } from './stage.ts';
import { type StoryResult, tellStory } from './story.ts';

const { values: options } = parseArgs({
  options: { once: { type: 'boolean', default: false }, state: { type: 'string' } },
});

/** Seconds; short, so that the story of the broken push is not a long one. */
const deadline = 20;

const say = (line = '') => void process.stdout.write(`${line}\n`);

process.exitCode = await run();

async function run(): Promise<number> {
  let stage: Stage | undefined;
  const stopped = untilSignal();
  try {
    stage = await openStage();
    const story = tellStory({
      stage,
      deadline,
      say,
      draw: (title, legs) => {
        for (const line of renderWaterfall(legs)) say(`  ${line}`);
        say(`  ${title}`);
      },
    });
    const result = await Promise.race([story, stopped]);
    if (result === undefined) return interrupted();
    const failed = report(result);
    if (options.once) return failed;
    sayLinks(stage, result);
    await stopped;
    return 0;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  } finally {
    await stage?.stop();
  }
}

async function openStage(): Promise<Stage> {
  say('Starting a stand-in GitLab, and Ekiden with everything it needs');
  const stage = await setStage({
    data: join(setting('EKIDEN_DEMO_DATA'), ''),
    install: setting('EKIDEN_DEMO_INSTALL'),
    dockerHost: setting('DOCKER_HOST'),
    images: { node: setting('EKIDEN_DEMO_NODE'), busybox: setting('EKIDEN_DEMO_BUSYBOX') },
    deadline,
  });
  if (options.state) await writeFile(options.state, `${JSON.stringify(stage.state, null, 2)}\n`);
  say(`  GitLab  ${stage.state.gitlabUrl}`);
  say(`  Ekiden  ${stage.state.ekidenUrl}`);
  return stage;
}

/** Prints the figures; answers the exit code. */
function report(result: StoryResult): number {
  const { coldPushToLiveMs, warmPushToLiveMs, traffic, legs } = result;
  const failedRequests = traffic.failures.length;
  if (failedRequests > 0) {
    return fail(`${failedRequests} requests failed, the first one: ${traffic.failures[0]}`);
  }
  say();
  say(`Push to live: ${coldPushToLiveMs} ms cold, ${warmPushToLiveMs} ms warm; no request failed.`);
  if (options.once) {
    const { requests } = traffic;
    say(
      JSON.stringify({
        ok: true,
        coldPushToLiveMs,
        warmPushToLiveMs,
        requests,
        failedRequests,
        legs,
      }),
    );
  }
  return 0;
}

function sayLinks({ state }: Stage, { appUrl, commitUrl }: StoryResult): void {
  say();
  say('It stays up until you press Ctrl-C:');
  say(`  the app                ${appUrl}`);
  say(`  its commit in GitLab   ${commitUrl}`);
  say(`  Ekiden                 ${state.ekidenUrl}`);
  say(`  the token to sign in   ${state.gitlabToken}`);
  say(`  Marathon's API         ${state.marathonUrl}/v2/apps`);
  say(`  to push by yourself    git clone ${cloneUrl(state)}`);
  const env = `EKIDEN_URL=${state.ekidenUrl} EKIDEN_TOKEN=${state.gitlabToken}`;
  say(`  in a terminal          ${env} npm run -s ekiden -- status demo/hello`);
}

function cloneUrl({ gitlabUrl, gitlabToken }: Stage['state']): string {
  const url = new URL('/demo/hello.git', gitlabUrl);
  url.username = 'demo';
  url.password = gitlabToken;
  return url.href;
}

function fail(error: string): number {
  process.stderr.write(`\nThe demo failed: ${error}\n`);
  if (options.once) say(JSON.stringify({ ok: false, error }));
  return 1;
}

function interrupted(): number {
  if (options.once) say(JSON.stringify({ ok: false, error: 'interrupted' }));
  return 130;
}

function untilSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => resolve(undefined));
  });
}

function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set: start the demo with npm run demo`);
}
