/** Layers of earlier builds, also where this host did not make them or has lost them. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { type Host, type Rig, short, startHost } from '../rig.ts';
import { createBuilding } from './building.ts';

let buildHost: BuildHost;
let host: Host;
let rig: Rig;
let building: ReturnType<typeof createBuilding>;

beforeAll(async () => {
  buildHost = await startBuildHost();
  host = await startHost({ archivesPerMinute: 0 });
});
afterAll(async () => {
  await host.stop();
  await buildHost.stop();
});
beforeEach(async () => {
  rig = await host.fresh();
  building = createBuilding(buildHost, rig);
});

/** No two tests share a layer. */
const files = () => ({
  Dockerfile: `${buildHost.from}\nRUN echo ${crypto.randomUUID()} > /x\nCOPY . /app\n`,
  '.ekiden.yml': 'environments: { production: main, preview: "*" }\n',
});

const stateOf = ({ record }: Awaited<ReturnType<typeof building.build>>, keyword: string) =>
  record?.steps?.find(({ title }) => title.startsWith(keyword))?.state;

async function loseImages(sha: string, branch: string) {
  for (const tag of [`sha-${short(sha)}`, branch]) {
    await buildHost.docker.getImage(`${buildHost.registry}/${rig.path}:${tag}`).remove();
  }
}

it('the classic builder fetches those of the branch, and goes on with its own', async () => {
  const first = await building.build(files(), { builder: 'classic' });
  await loseImages(first.sha, 'main');
  const second = await building.build({ b: '1' }, { builder: 'classic' });
  expect(second.log).toContain(`fetching ${buildHost.registry}/${rig.path}:main for its layers`);
  expect([stateOf(second, 'RUN'), stateOf(second, 'COPY')]).toEqual(['hit', 'miss']);
  const third = await building.build({ b: '2' }, { builder: 'classic' });
  expect(third.log).not.toContain('fetching');
  expect(stateOf(third, 'RUN')).toBe('hit');
});

it('the classic builder keeps to its own, which also hold earlier stages', async () => {
  const dockerfile = [
    `${buildHost.from}\nRUN echo ${crypto.randomUUID()} > /x`,
    `${buildHost.from}\nCOPY --from=0 /x /\nCOPY . /app\n`,
  ].join('\n');
  await building.build({ Dockerfile: dockerfile }, { builder: 'classic' });
  const second = await building.build({ b: '1' }, { builder: 'classic' });
  expect(second.log).not.toContain('fetching');
  expect(stateOf(second, 'RUN')).toBe('hit');
});

it('a new branch has those of the default branch', async () => {
  const base = files();
  const first = await building.build(base, { builder: 'classic' });
  await loseImages(first.sha, 'main');
  const other = { branch: 'other', builder: 'classic' } as const;
  const second = await building.build({ ...base, b: '1' }, other);
  expect(second.log).toContain(`fetching ${buildHost.registry}/${rig.path}:main for its layers`);
  expect(stateOf(second, 'RUN')).toBe('hit');
});

it('BuildKit is told where they lie, and an image that is kept holds what it needs for that', async () => {
  await building.build(files(), { builder: 'buildkit' });
  const second = await building.build({ b: '1' }, { builder: 'buildkit' });
  expect(second.log).toContain(
    `importing cache manifest from ${buildHost.registry}/${rig.path}:main`,
  );
  expect(second.log).not.toContain('fetching');
});

it('nothing of the past is taken where a person wants none of it', async () => {
  await building.build(files(), { builder: 'buildkit' });
  const second = await building.build({ b: '1' }, { builder: 'buildkit', noCache: true });
  expect(second.log).not.toContain('importing');
  expect(stateOf(second, 'RUN')).toBe('miss');
});
