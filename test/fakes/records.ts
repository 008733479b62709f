/** Builds, heads, deployments and releases in memory, as the contract tests hold them to Redis. */
import type { Build, BuildStore, ExpandedDockerfile, Heads } from '../../src/core/build.ts';
import { activeBuildStates } from '../../src/core/build.ts';
import type { Deployment, DeploymentStore } from '../../src/core/deployment.ts';
import { NotFoundError } from '../../src/core/errors.ts';
import type { Release, ReleaseStore } from '../../src/core/release.ts';

function createFakeRecords<T extends { id: string; state: string; reason?: string }>(
  noun: string,
  active: readonly string[],
) {
  const records = new Map<string, T>();
  const copy = (record: T | undefined) => structuredClone(record);
  return {
    records,
    find: async (id: string) => copy(records.get(id)),
    async create(record: T): Promise<T> {
      const kept = records.get(record.id) ?? structuredClone(record);
      records.set(record.id, kept);
      return structuredClone(kept);
    },
    async update(id: string, change: Partial<T>): Promise<T> {
      const record = records.get(id);
      if (!record) throw new NotFoundError(`There is no ${noun} ${id}.`, { code: 'E_NOT_FOUND' });
      const given = Object.entries(change).filter(([, value]) => value !== undefined);
      return structuredClone(Object.assign(record, structuredClone(Object.fromEntries(given))));
    },
    async end(id: string, state: T['state'], reason?: string): Promise<boolean> {
      const record = records.get(id);
      if (!record || !active.includes(record.state)) return false;
      Object.assign(record, { state, ...(reason === undefined ? {} : { reason }) });
      return true;
    },
  };
}

export function createFakeBuildStore(): BuildStore {
  const { records, ...rest } = createFakeRecords<Build>('build', activeBuildStates);
  const dockerfiles = new Map<string, ExpandedDockerfile>();
  return {
    ...rest,
    start: (id) => rest.end(id, 'running'),
    saveDockerfile: async (id, expanded) => void dockerfiles.set(id, structuredClone(expanded)),
    async dockerfile(id) {
      const kept = dockerfiles.get(id);
      return kept && { bytes: Buffer.from(kept.bytes), map: kept.map };
    },
    list: async (project, limit) =>
      [...records.values()]
        .filter((build) => build.project === project)
        .sort((a, b) => b.createdAt - a.createdAt)
        .slice(0, limit)
        .map((build) => structuredClone(build)),
  };
}

export function createFakeHeads(): Heads {
  const heads = new Map<string, { build: string; sha: string; order: number }>();
  const orders = new Map<number, number>();
  const key = (project: number, ref: string) => `${project} ${ref}`;
  return {
    async claim({ project, ref, sha, build, after }) {
      const before = heads.get(key(project, ref));
      if (before?.build === build) return { order: before.order };
      if (after !== undefined && after !== (before?.build ?? '')) return undefined;
      const order = (orders.get(project) ?? 0) + 1;
      orders.set(project, order);
      heads.set(key(project, ref), { build, sha, order });
      return {
        order,
        ...(before ? { previous: { build: before.build, sha: before.sha } } : {}),
      };
    },
    async current(project, ref) {
      const head = heads.get(key(project, ref));
      return head && { build: head.build, sha: head.sha };
    },
    release: async (project, ref) => void heads.delete(key(project, ref)),
  };
}

export function createFakeDeploymentStore(): DeploymentStore {
  const { records: _, ...rest } = createFakeRecords<Deployment>('deployment', [
    'queued',
    'running',
  ]);
  const leaders = new Map<string, { deployment?: string; order: number }>();
  return {
    ...rest,
    async lead({ app, id, order }) {
      const leader = leaders.get(app) ?? { order: 0 };
      if (order >= leader.order) leaders.set(app, { deployment: id, order });
      return leaders.get(app)?.deployment ?? '';
    },
    leader: async (app) => leaders.get(app)?.deployment,
    async forget(app) {
      const leader = leaders.get(app);
      if (leader) leaders.set(app, { order: leader.order });
    },
  };
}

export function createFakeReleaseStore(): ReleaseStore {
  const apps = new Map<string, { last: number; good?: number; releases: Map<number, Release> }>();
  const open = (app: string) => {
    const kept = apps.get(app) ?? { last: 0, releases: new Map<number, Release>() };
    apps.set(app, kept);
    return kept;
  };
  const find = async (app: string, number: number) =>
    structuredClone(open(app).releases.get(number));
  return {
    find,
    async next(app) {
      open(app).last += 1;
      return open(app).last;
    },
    create: async (release) =>
      void open(release.app).releases.set(release.number, structuredClone(release)),
    async markGood(app, number) {
      open(app).good = number;
    },
    async lastGood(app) {
      const { good } = open(app);
      return good === undefined ? undefined : find(app, good);
    },
    delete: async (app) => void apps.delete(app),
  };
}
