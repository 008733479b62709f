/** The tag of a branch in the registry is that of the build that holds the branch, whoever ends last. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RemoteError } from '../../../src/core/errors.ts';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { type Host, type Rig, startHost } from '../rig.ts';
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

const copying = (...lines: string[]) => [buildHost.from, ...lines, ''].join('\n');

describe('the tag of a branch', () => {
  it('stays with the newer commit when an older build comes last', async () => {
    const old = await rig.commit({ Dockerfile: copying('COPY . /'), 'a.txt': 'old' });
    const older = await building.resolve(old);
    const newer = await building.build({ 'a.txt': 'new' });
    const late = await building.buildOf(older);
    expect(late.record?.state).toBe('superseded');
    expect(await building.digest('main')).toBe(newer.record?.image?.split('@')[1]);
  });

  it('is pushed where Ekiden may not give it, and by the build that holds the branch alone', async () => {
    const { registryClient } = building;
    const asked: string[] = [];
    const refusing = (meanwhile = async () => {}) => {
      const putManifest = async (_: unknown, tag: string) => {
        asked.push(tag);
        await meanwhile();
        throw new RemoteError('no login is known', { code: 'E_REGISTRY_LOGIN', retryable: false });
      };
      return { registryClient: { ...registryClient, putManifest } };
    };
    const files = { Dockerfile: copying('COPY . /'), 'a.txt': 'a' };
    const { record } = await building.build(files, refusing());
    const pushed = record?.image?.split('@')[1];
    // What is asked for after a refusal could come after the turn, and after a newer build's.
    expect(asked).toEqual([expect.stringMatching(/^fp-/)]);
    expect(await building.digest('main')).toBe(pushed);
    const older = await building.build(
      { 'a.txt': 'b' },
      refusing(async () => void (await building.resolve(await rig.commit({ 'a.txt': 'c' })))),
    );
    expect(older.log).toContain('not kept for other builds: no login is known\n');
    expect(older.record?.image).not.toBe(record?.image);
    expect(await building.digest('main')).toBe(pushed);
  });

  it('is that of the newer commit, in whatever order many come', async () => {
    const files = { Dockerfile: copying('COPY . /'), 'a.txt': 'a' };
    const first = await building.build(files);
    const other = await building.build({ 'a.txt': 'b' }, { branch: 'main' });
    const ids = [];
    for (let n = 0; n < 6; n++) {
      const sha = await rig.commit({ 'a.txt': n % 2 === 0 ? 'a' : 'b', 'n.md': `${n % 2}` });
      ids.push(await building.resolve(sha));
    }
    expect(first.record?.image).not.toBe(other.record?.image);
    const ended = await Promise.all(ids.map((id) => building.buildOf(id)));
    const last = ended.at(-1)?.record;
    expect(last?.state).toBe('succeeded');
    expect(await building.digest('main')).toBe(last?.image?.split('@')[1]);
  });
});
