/** Journeys that the demo does not tell: other manifests, other refs, errors that people make. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../demo/poll.ts';
import { type Files, projectFiles } from '../demo/sample-project.ts';
import type { Stage } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import {
  type AwaitedStatus,
  awaitStatus,
  type BuildPage,
  readPage,
  statusesOf,
} from '../demo/watching.ts';
import { openStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage('journey', { deadline: 60 });
});

afterAll(async () => {
  await stage?.stop();
});

const within = 120_000;
const buildStatus = 'ekiden/build';
const deployStatus = 'ekiden/deploy/production/web';
const ended = ['success', 'failed', 'canceled', 'skipped'];

type Project = Awaited<ReturnType<Stage['project']>>;

async function pushFiles({ copy }: Project, files: Files, message = 'change'): Promise<string> {
  const sha = await copy.commit(files, message);
  await copy.push('HEAD');
  return sha;
}

function shown({ id }: Project, sha: string, wanted: Partial<AwaitedStatus> = {}) {
  return awaitStatus(stage.gitlab, {
    project: id,
    sha,
    name: buildStatus,
    states: ended,
    within,
    ...wanted,
  });
}

function answerOf(host: string, wanted: string, path = '/') {
  return poll(
    async () => {
      const { body } = await ask({ url: stage.state.nginxUrl, host, path });
      return body.includes(wanted) ? body : undefined;
    },
    { within, what: `${wanted} from ${host}` },
  );
}

/** What Ekiden answered to the project's deliveries. */
function decisionsOf({ id }: Project): { decision: string; reason: string }[] {
  return stage.gitlab
    .deliveries(id)
    .flatMap(({ responseBody }) => (responseBody ? [JSON.parse(responseBody)] : []));
}

const plainFiles = (text: string): Files => ({
  Dockerfile: `ARG NODE_IMAGE=node:20\nFROM \${NODE_IMAGE}\nWORKDIR /app\nCOPY . .\nEXPOSE 9000 8000/tcp 53/udp\nCMD ["node", "app.js"]\n`,
  'app.js': `require('node:http').createServer((q, r) => r.end('${text}')).listen(8000);\n`,
});

describe('a project without a manifest', () => {
  it('runs on the lowest exposed TCP port, in production, from the default branch only', async () => {
    const project = await stage.project('plain/app');
    const sha = await pushFiles(project, plainFiles('plain one'));
    expect((await shown(project, sha)).status).toBe('success');
    await answerOf('plain-app.localhost', 'plain one');
    const live = await shown(project, sha, { name: deployStatus, states: ['success'] });
    const { port } = new URL(stage.state.nginxUrl);
    expect(live.description).toBe(`live at http://plain-app.localhost:${port}/`);

    await project.copy.git('checkout', '--quiet', '-b', 'feature');
    const other = await pushFiles(project, plainFiles('not for production'));
    const skipped = await shown(project, other);
    expect(skipped.status).toBe('skipped');
    expect(skipped.description).toContain('no environment takes feature');
    await answerOf('plain-app.localhost', 'plain one');
  });
});

describe('a push that cannot be built', () => {
  const cases: { name: string; files: Files; reason: RegExp }[] = [
    { name: 'no Dockerfile', files: { 'a.txt': 'a' }, reason: /there is no Dockerfile/i },
    {
      name: 'a fragment that is missing',
      files: { Dockerfile: 'FROM scratch\nINCLUDE docker/nothing.dockerfile\n' },
      reason: /^Dockerfile:2:9: .*docker\/nothing\.dockerfile/,
    },
    {
      name: 'a manifest with an unknown key',
      files: { Dockerfile: 'FROM scratch\n', '.ekiden.yml': 'service: {}\n' },
      reason: /^\.ekiden\.yml:1: .*unknown key service; allowed are build/,
    },
    {
      name: 'an instruction that Docker does not know',
      files: {
        Dockerfile: 'ARG NODE_IMAGE\nFROM $NODE_IMAGE\nINCLUDE a.dockerfile\n',
        'a.dockerfile': '# first\nRUNN true\n',
      },
      reason: /Dockerfile:3 → a\.dockerfile:2: .*unknown instruction: RUNN/i,
    },
    {
      name: 'a step that fails',
      files: { Dockerfile: 'ARG NODE_IMAGE\nFROM $NODE_IMAGE\nRUN exit 7\n' },
      reason: /^Dockerfile:3: .*exit 7.*non-zero code: 7/,
    },
  ];

  it.each(cases)('says so on the commit: $name', async ({ name, files, reason }) => {
    const project = await stage.project(`broken/${name.replace(/\W+/g, '-').toLowerCase()}`);
    const sha = await pushFiles(project, files);
    const status = await shown(project, sha);
    expect(status.status).toBe('failed');
    expect(status.description).toMatch(reason);
    const page = await readPage<BuildPage>(stage.gitlab, status.targetUrl);
    expect(page.state).toBe('failed');
  });
});

// The second waits for its deadline meanwhile.
describe.concurrent('a deployment that is broken', () => {
  it('is not waited for by the next push, and an instance that never listens is never live', async () => {
    const project = await stage.project('hurry/app');
    const good = await pushFiles(project, projectFiles('v1'));
    await shown(project, good, { name: deployStatus, states: ['success'] });
    const broken = await pushFiles(project, projectFiles('v2', 3000));
    await shown(project, broken, { name: deployStatus, states: ['running'] });
    const repaired = await pushFiles(project, projectFiles('v3'));
    await answerOf('hurry-app.localhost', '"v3"');
    await shown(project, repaired, { name: deployStatus, states: ['success'] });
    const left = await shown(project, broken, { name: deployStatus });
    expect(left).toMatchObject({
      status: 'canceled',
      description: `superseded by ${repaired.slice(0, 12)}`,
    });
  });

  it('leaves nothing behind when it was the first one', async () => {
    const stageOfOne = await stage.project('first/app');
    const files = { ...projectFiles('v1', 3000), '.ekiden.yml': 'deploy: { deadline: 15s }\n' };
    const sha = await pushFiles(stageOfOne, files);
    const status = await shown(stageOfOne, sha, { name: deployStatus });
    expect(status.description).toMatch(
      /^not healthy after 15 s, taken down: .*listens on 3000, checked 8080/,
    );
    const answer = await fetch(`${stage.state.marathonUrl}/v2/apps//first/app/production/web`);
    expect(answer.status).toBe(404);
  });
});

describe('a service that takes its port from $PORT', () => {
  it('runs on the host network, checked where it listens', async () => {
    const project = await stage.project('auto/app');
    const app = "require('node:http').createServer((q, r) => r.end('on ' + process.env.PORT))";
    const sha = await pushFiles(project, {
      Dockerfile: plainFiles('')['Dockerfile'] ?? '',
      'app.js': `${app}.listen(process.env.PORT, '127.0.0.1');\n`,
      '.ekiden.yml': 'services: { web: { ports: auto, instances: 2, health: { path: / } } }\n',
    });
    const live = await shown(project, sha, { name: deployStatus });
    expect(live).toMatchObject({ status: 'success' });
    const first = await answerOf('auto-app.localhost', 'on ');
    await poll(async () => (await answerOf('auto-app.localhost', 'on ')) !== first || undefined, {
      within,
      what: 'an answer of the other instance',
    });
  });
});

describe('several environments and services', () => {
  const manifest = `environments:
  production: main
  preview: feature/*
  stable: { tags: v* }
services:
  web: { health: { path: / } }
  worker: { command: [sleep, "1000"], health: false }
`;

  it('sends branches and annotated tags where the rules say, and cleans up after a deleted branch', async () => {
    const project = await stage.project('many/app');
    const { copy } = project;
    const sha = await pushFiles(project, { ...plainFiles('from main'), '.ekiden.yml': manifest });
    await answerOf('many-app.localhost', 'from main');
    await answerOf('web.many-app.localhost', 'from main');
    await shown(project, sha, { name: 'ekiden/deploy/production/worker', states: ['success'] });

    await copy.git('checkout', '--quiet', '-b', 'feature/x');
    const feature = await pushFiles(project, plainFiles('from a branch'));
    await answerOf('preview--many-app.localhost', 'from a branch');
    await shown(project, feature, { name: 'ekiden/deploy/preview/web', states: ['success'] });

    await copy.git('tag', '--annotate', '--message', 'one', 'v1', sha);
    await copy.push('v1');
    await answerOf('stable--many-app.localhost', 'from main');
    await copy.git('tag', 'nothing', sha);
    await copy.push('nothing');
    const refused = await poll(
      () => decisionsOf(project).find(({ reason }) => reason.endsWith('the tag nothing')),
      { within, what: 'the answer about a tag that goes nowhere' },
    );
    expect(refused.decision).toBe('ignored');

    await copy.push('--delete', 'feature/x');
    await poll(
      async () => {
        const { status } = await ask({
          url: stage.state.nginxUrl,
          host: 'preview--many-app.localhost',
        });
        return status === 404 || undefined;
      },
      { within, what: 'the end of the preview' },
    );
    await answerOf('many-app.localhost', 'from main');
    await poll(
      async () => {
        const rows = await statusesOf(stage.gitlab, project.id, sha);
        return rows.every((row) => ended.includes(row.status)) || undefined;
      },
      { within, what: 'the end of every status of the commit' },
    );

    await copy.git('checkout', '--quiet', 'main');
    await pushFiles(project, { '.ekiden.yml': manifest.replace(/ {2}worker:.*\n/, '') });
    await poll(
      async () => {
        const app = `${stage.state.marathonUrl}/v2/apps//many/app/production/worker`;
        return (await fetch(app)).status === 404 || undefined;
      },
      { within, what: 'the end of a service that is gone from the manifest' },
    );
  });
});
