/** Builds, heads and deployments in memory, as the contract tests hold them to Redis. */
import type { Build, BuildStore, ExpandedDockerfile, Heads } from '../../src/core/build.ts';
import { activeBuildStates } from '../../src/core/build.ts';
import type { Deployment, DeploymentStore } from '../../src/core/deployment.ts';
import { NotFoundError } from '../../src/core/errors.ts';
import type { Page, Paging } from '../../src/core/page.ts';
import type { AppIds } from '../../src/core/project.ts';

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
      delete record.reason;
      Object.assign(record, { state, ...(reason === undefined ? {} : { reason }) });
      return true;
    },
    async active(): Promise<string[]> {
      const open = [...records.values()].filter(({ state }) => active.includes(state));
      return open.map(({ id }) => id);
    },
  };
}

export function createFakeBuildStore(): BuildStore {
  const { records, ...rest } = createFakeRecords<Build>('build', activeBuildStates);
  const dockerfiles = new Map<string, ExpandedDockerfile>();
  return {
    ...rest,
    start: (id) => rest.end(id, 'running'),
    async forgetReason(id) {
      const build = records.get(id);
      if (build?.state === 'queued') delete build.reason;
    },
    saveDockerfile: async (id, expanded) => void dockerfiles.set(id, structuredClone(expanded)),
    async dockerfile(id) {
      const kept = dockerfiles.get(id);
      return kept && { bytes: Buffer.from(kept.bytes), map: kept.map };
    },
    list: async (project, paging) =>
      pageOf(
        [...records.values()].filter((build) => build.project === project),
        paging,
      ),
  };
}

/** Newest first, of one time the greater id; the cursor is the last id of the page before. */
function pageOf<T extends { id: string; createdAt: number }>(all: T[], paging: Paging): Page<T> {
  const { limit, cursor } = paging;
  const sorted = all.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
  const at = sorted.findIndex(({ id }) => id === cursor);
  if (limit < 1 || (cursor !== undefined && at < 0)) return { items: [] };
  const rest = sorted.slice(at + 1);
  const items = structuredClone(rest.slice(0, limit));
  const last = items.at(-1);
  return { items, ...(rest.length > limit && last ? { next: last.id } : {}) };
}

export function createFakeHeads(): Heads {
  const heads = new Map<string, { build: string; sha: string; order: number }>();
  const orders = new Map<number, number>();
  const key = (project: number, ref: string) => `${project} ${ref}`;
  return {
    async claim({ project, ref, sha, build, after, isAsked }) {
      const before = heads.get(key(project, ref));
      if (before?.build === build) return { order: before.order };
      if (after !== undefined && after !== (before?.build ?? '')) return undefined;
      const isSame = before?.sha === sha && !isAsked;
      const order = isSame ? before.order : (orders.get(project) ?? 0) + 1;
      if (!isSame) orders.set(project, order);
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
  const { records, ...rest } = createFakeRecords<Deployment>('deployment', [
    'held',
    'queued',
    'running',
  ]);
  const leaders = new Map<string, { deployment?: string; order: number; taken?: boolean }>();
  return {
    ...rest,
    async release(id) {
      const found = records.get(id);
      if (found?.state !== 'held') return false;
      const { reason: _, ...kept } = found;
      records.set(id, { ...kept, state: 'queued' });
      return true;
    },
    async hold(id, reason) {
      const found = records.get(id);
      if (found?.state !== 'held') return false;
      records.set(id, { ...found, reason });
      return true;
    },
    async lead({ app, id, order }) {
      const leader = leaders.get(app) ?? { order: 0 };
      if (order > leader.order || (order === leader.order && !leader.taken)) {
        leaders.set(app, { deployment: id, order });
      }
      return leaders.get(app)?.deployment ?? '';
    },
    async takeOver(deployment) {
      const { id, app } = deployment;
      if (records.has(id)) throw new Error(`The deployment ${id} is there already.`);
      const before = leaders.get(app);
      const order = Math.max(before?.order ?? 0, deployment.order);
      leaders.set(app, { deployment: id, order, taken: true });
      const previous = before?.deployment;
      return {
        deployment: await rest.create({ ...deployment, order }),
        ...(previous === undefined ? {} : { previous }),
      };
    },
    list: async (project, { environment, ...paging }) =>
      pageOf(
        [...records.values()].filter(
          (each) =>
            each.project === project &&
            (environment === undefined || each.environment === environment),
        ),
        paging,
      ),
    leader: async (app) => leaders.get(app)?.deployment,
    async forget(app) {
      const leader = leaders.get(app);
      leaders.set(app, { order: leader?.order ?? 0, taken: true });
    },
  };
}

export function createFakeAppIds(): AppIds {
  const ids = new Map<string, string>();
  return {
    async claim({ project, environment, service, wanted }) {
      const name = JSON.stringify([project, environment, service]);
      let id = wanted;
      while ([...ids].some(([holder, held]) => held === id && holder !== name)) id += `-${project}`;
      ids.set(name, ids.get(name) ?? id);
      return ids.get(name) ?? id;
    },
    async list({ project, environment }) {
      const named = [...ids].map(([name, id]) => [JSON.parse(name), id] as const);
      const there = named.filter(([[of, at]]) => of === project && at === environment);
      return new Map(there.map(([[, , service], id]) => [service, id]));
    },
    async release(app) {
      for (const [name, id] of ids) if (id === app) ids.delete(name);
    },
  };
}
