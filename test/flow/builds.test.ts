/** Builds with everything real: fragments, secrets, what is reused, rebuilt and cancelled, and one log of it all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectDocker } from '../../src/clients/docker.ts';
import { poll } from '../demo/poll.ts';
import type { Stage } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { awaitStatus } from '../demo/watching.ts';
import { createCaller } from '../http/api/rig.ts';
import { openStage, setting } from './stage.ts';

const within = 120_000;

let stage: Stage;
let project: Awaited<ReturnType<Stage['project']>>;
let shared: Awaited<ReturnType<Stage['project']>>;
let call: Awaited<ReturnType<typeof createCaller>>;
let token: string;

interface Build {
  id: string;
  sha: string;
  state: string;
  reason?: string;
  image?: string;
  legs: { name: string }[];
  steps?: { title: string; origin?: string; state: string; why?: string }[];
}

const manifest = `environments: { production: main, staging: "stage*" }
services: { web: { mem: 128, health: { path: /, interval: 1s } } }
`;

const mark = crypto.randomUUID();

const app = `require('node:http').createServer((q, r) => r.end('v1')).listen(8080);\n`;

const base = `ARG NODE_IMAGE=node:20
FROM \${NODE_IMAGE}
`;

const files = () => ({
  Dockerfile: `${base}INCLUDE project:platform/docker@main:files.dockerfile FOLDER=/srv/app
COPY app.js ./
EXPOSE 8080
CMD ["node", "app.js"]
`,
  '.ekiden.yml': manifest,
  '.dockerignore': 'secret.txt\n',
  'app.js': app,
  // Of this run alone, so that no cache of an earlier one knows it.
  'package.json': `{"name":"${mark}"}\n`,
  'secret.txt': 'is not sent',
});

/** Says what the context holds. */
const fragment = `# ekiden: input FOLDER where the app lies
WORKDIR $[[ FOLDER ]]
COPY . /context
RUN ls /context
`;

const ours = (method: string, path: string, body?: unknown) =>
  call(method, `/projects/${project.id}${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
  });

const buildsOf = async () => ((await ours('GET', '/builds')).body as { items: Build[] }).items;

const buildBy = async (id: string) => (await ours('GET', `/builds/${id}`)).body as Build;

const logOf = async (id: string) => (await ours('GET', `/builds/${id}/log`)).text;

function ended(id: string): Promise<Build> {
  return poll(
    async () => {
      const build = await buildBy(id);
      return ['queued', 'running'].includes(build.state) ? undefined : build;
    },
    { within, what: `the end of build ${id}` },
  );
}

/** Pushes the files and waits until GitLab shows the end of the status. */
async function push(changed: Record<string, string>, branch = 'main'): Promise<Build> {
  if (Object.keys(changed).length > 0) await project.copy.commit(changed, 'change');
  else await project.copy.git('commit', '--quiet', '--allow-empty', '--message', 'nothing');
  const sha = await project.copy.git('rev-parse', 'HEAD');
  await project.copy.push(`HEAD:refs/heads/${branch}`);
  const states = ['success', 'failed', 'canceled', 'skipped'];
  await awaitStatus(stage.gitlab, {
    project: project.id,
    sha,
    name: 'ekiden/build',
    states,
    within,
  });
  return poll(async () => (await buildsOf()).find((build) => build.sha === sha), {
    ...{ within, what: `the build of ${sha}` },
  });
}

beforeAll(async () => {
  stage = await openStage('builds', { deadline: 60 });
  shared = await stage.project('platform/docker');
  project = await stage.project('shop/front');
  await shared.copy.commit({ 'files.dockerfile': fragment }, 'fragment');
  await shared.copy.push('HEAD');
  const maintainer = { username: 'maintainer', projectId: project.id, accessLevel: 40 };
  const user = stage.gitlab.createUser(maintainer);
  // Whoever causes a build must be let into what it includes.
  stage.gitlab.setMember({ projectId: shared.id, userId: user.id, accessLevel: 20 });
  token = user.token;
  call = await createCaller(stage.state.ekidenUrl);
});

afterAll(async () => {
  await stage?.stop();
});

describe('a first build', () => {
  let build: Build;

  beforeAll(async () => {
    build = await push(files());
  });

  it('splices what another project keeps, and lists it', async () => {
    expect(build).toMatchObject({ state: 'succeeded' });
    const origin = expect.stringMatching(
      /^Dockerfile:3 → project:platform\/docker@[0-9a-f]{12}:files\.dockerfile:3$/,
    );
    expect(build.steps).toContainEqual(expect.objectContaining({ origin }));
  });

  it('tells each leg in one log', async () => {
    await poll(async () => (await logOf(build.id)).includes('live at') || undefined, {
      ...{ within, what: 'the end of the deployment in the log' },
    });
    const log = await logOf(build.id);
    const places = ['included project:platform/docker@', 'COPY . /context', '\npushed', 'live at'];
    const found = places.map((text) => log.indexOf(text));
    expect(found).not.toContain(-1);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });

  it('leaves out what .dockerignore names', async () => {
    const log = await logOf(build.id);
    expect(log).toContain('package.json');
    expect(log).not.toMatch(/^(.* )?secret\.txt$/m);
  });

  it('is live', async () => {
    const answer = await ask({ url: stage.state.nginxUrl, host: 'shop-front.localhost' });
    expect(answer.body).toBe('v1');
  });
});

describe('a secret of a build', () => {
  it('is there for the step that asks for it, and stands in no log and no image', async () => {
    const other = await stage.project('shop/keys');
    const value = 'open sesame 123';
    stage.gitlab.setVariable({ projectId: other.id, key: 'PASS_PHRASE', value });
    const mount = 'RUN --mount=type=secret,id=PASS_PHRASE';
    const sha = await other.copy.commit(
      {
        Dockerfile: `${base}${mount} echo ${mark} && wc -c /run/secrets/PASS_PHRASE && cat /run/secrets/PASS_PHRASE
`,
        '.ekiden.yml': 'build: { secrets: [PASS_PHRASE] }\n',
      },
      'secret',
    );
    await other.copy.push('HEAD');
    await awaitStatus(stage.gitlab, {
      ...{ project: other.id, sha, name: 'ekiden/build', states: ['success', 'failed'], within },
    });
    const builds = await call('GET', `/projects/${other.id}/builds`, { token: stage.gitlab.token });
    const [build] = (builds.body as { items: Build[] }).items;
    expect(build).toMatchObject({ state: 'succeeded' });
    const path = `/projects/${other.id}/builds/${build?.id}/log`;
    const { text } = await call('GET', path, { token: stage.gitlab.token });
    expect(text).toContain('15 /run/secrets/PASS_PHRASE');
    expect(text).toContain('[REDACTED]');
    expect(text).not.toContain('open sesame');
    const docker = connectDocker(setting('DOCKER_HOST'));
    const history = await docker.getImage(build?.image ?? '').history();
    expect(JSON.stringify(history)).not.toContain('open sesame');
  });
});

describe('what did not change', () => {
  it('is not built again: the image of the preview is promoted', async () => {
    const preview = await push({ 'app.js': app.replace('v1', 'v2') }, 'stage-1');
    expect(preview.legs.map(({ name }) => name)).toContain('build');
    const merged = await push({});
    expect(merged).toMatchObject({ state: 'succeeded', image: preview.image });
    expect(merged.legs.map(({ name }) => name)).not.toContain('build');
    const answer = () => ask({ url: stage.state.nginxUrl, host: 'shop-front.localhost' });
    await poll(async () => (await answer()).body === 'v2' || undefined, {
      ...{ within, what: 'the new version behind nginx' },
    });
  });

  it('comes from the cache, and the log says why the rest does not', async () => {
    const { id, steps } = await push({ 'app.js': app.replace('v1', 'v3') });
    const copy = steps?.find(({ title }) => title.startsWith('COPY . '));
    expect(copy).toMatchObject({ state: 'miss', why: expect.stringContaining('app.js') });
    expect(steps?.find(({ title }) => title.startsWith('WORKDIR'))?.state).toBe('hit');
    expect(await logOf(id)).toContain('app.js changed');
  });
});

describe('a build that fails', () => {
  it('points at the line that people wrote', async () => {
    await shared.copy.commit(
      { 'files.dockerfile': `${fragment}RUN false\n`, 'LATER.md': '' },
      'broken',
    );
    await shared.copy.push('HEAD');
    const { state, reason, id } = await push({ 'package.json': '{"version":"2"}\n' });
    expect(state).toBe('failed');
    expect(reason).toMatch(
      /Dockerfile:3 → project:platform\/docker@[0-9a-f]{12}:files\.dockerfile:5/,
    );
    expect(await logOf(id)).toContain('RUN false');
  });

  it('is tried again with the fragments as they are now', async () => {
    await shared.copy.commit({ 'files.dockerfile': fragment }, 'mended');
    await shared.copy.push('HEAD');
    const [failed] = await buildsOf();
    const { status, body } = await ours('POST', `/builds/${failed?.id}/retry`, {});
    expect(status).toBe(202);
    const { state, reason } = await ended((body as Build).id);
    expect([state, reason]).toEqual(['succeeded', undefined]);
  });

  it('is rebuilt exactly with those that it had', async () => {
    const [good] = await buildsOf();
    await shared.copy.commit({ 'files.dockerfile': `${fragment}RUN false\n` }, 'broken again');
    await shared.copy.push('HEAD');
    const wanted = { exactly: true, cache: false };
    const { status, body } = await ours('POST', `/builds/${good?.id}/retry`, wanted);
    expect(status).toBe(202);
    const rebuilt = await ended((body as Build).id);
    expect(rebuilt).toMatchObject({ state: 'succeeded', sha: good?.sha });
    expect(rebuilt.steps?.some(({ state }) => state === 'miss')).toBe(true);
    await shared.copy.commit({ 'files.dockerfile': fragment }, 'mended again');
    await shared.copy.push('HEAD');
  });
});

describe('a build that nobody wants any more', () => {
  const sleeping = (mark: string) => ({
    Dockerfile: `${files().Dockerfile}RUN echo it sleeps as ${mark} && sleep 3600\n`,
  });

  async function started(mark: string, branch = 'main'): Promise<Build> {
    const sha = await project.copy.commit(sleeping(mark), mark);
    await project.copy.push(`HEAD:refs/heads/${branch}`);
    return poll(
      async () => {
        const build = (await buildsOf()).find((candidate) => candidate.sha === sha);
        if (build === undefined) return undefined;
        return (await logOf(build.id)).includes(`\nit sleeps as ${mark}`) ? build : undefined;
      },
      { within, what: `the sleep of ${mark}` },
    );
  }

  it('is cancelled, and tells who did', async () => {
    const { id } = await started('one');
    expect((await ours('POST', `/builds/${id}/cancel`)).body).toMatchObject({ state: 'canceled' });
    await poll(async () => (await logOf(id)).includes('canceled by maintainer') || undefined, {
      ...{ within, what: 'the end in the log' },
    });
  });

  it('gives way to a newer commit', async () => {
    const { id } = await started('two');
    const newer = await push(files());
    expect(newer).toMatchObject({ state: 'succeeded' });
    expect(await buildBy(id)).toMatchObject({ state: 'superseded' });
  });
});
