/** Reads releases of an environment: of all its services together, newest first. */
import type { CommitNotes } from '../../core/commit.ts';
import { ConflictError } from '../../core/errors.ts';
import type { EvidenceStore } from '../../core/evidence.ts';
import type { AppIds } from '../../core/project.ts';
import type { NumberedBy, Release, ReleaseStore, Standing } from '../../core/release.ts';
import { diffReleases } from '../../core/release-diff.ts';
import type {
  EnvironmentRelease,
  ReleaseHistory,
  ServiceRelease,
} from '../../core/release-history.ts';
import { type AppsOptions, appsOfProject, nameOf } from '../services/apps.ts';

export interface HistoryOptions extends AppsOptions {
  releases: ReleaseStore;
  appIds: Pick<AppIds, 'list'>;
  evidence?: Pick<EvidenceStore, 'count'>;
  commits: CommitNotes;
  /** Makes records of releases again where those of the environment were lost. */
  ensureNumbered: (where: NumberedBy) => Promise<void>;
}

type Reads = Pick<ReleaseHistory, 'list' | 'find' | 'diff'>;

export function createHistory(options: HistoryOptions): Reads {
  return {
    async list(where, { limit, cursor }) {
      const all = await releasesOf(options, where);
      const from =
        cursor === undefined ? 0 : all.findIndex(({ number }) => number < Number(cursor));
      const page = from < 0 ? [] : all.slice(from, from + limit);
      const next = from >= 0 && all.length > from + limit ? page.at(-1)?.number : undefined;
      const items = await describe(options, where.project, page);
      return { items, ...(next === undefined ? {} : { next: String(next) }) };
    },
    async find(where, number) {
      const found = (await releasesOf(options, where)).filter((each) => each.number === number);
      return (await describe(options, where.project, found))[0];
    },
    diff: (where, numbers) => diff(options, where, numbers),
  };
}

/** Of every service what is kept, and what runs; newest first. */
async function releasesOf(options: HistoryOptions, where: NumberedBy) {
  await options.ensureNumbered(where);
  const [apps, running] = await Promise.all([
    options.appIds.list(where),
    runningNumbers(options, where),
  ]);
  const all = await Promise.all(
    [...apps].map(async ([service, app]) =>
      (await options.releases.list(app)).map((kept) => ({
        ...{ ...kept, service, evidence: 0 },
        runs: running.get(service)?.has(kept.release.number) ?? false,
      })),
    ),
  );
  return byNumber(all.flat());
}

/** The numbers that each service has now; in the middle of a rollout it may have several. */
async function runningNumbers(options: HistoryOptions, { project, environment }: NumberedBy) {
  const running = new Map<string, Set<number>>();
  for (const app of await appsOfProject(options, project)) {
    const name = nameOf(app);
    if (name?.environment !== environment) continue;
    const numbers = running.get(name.service) ?? new Set();
    running.set(name.service, numbers.add(Number(app.labels['ekiden.release'])));
  }
  return running;
}

function byNumber(services: ServiceRelease[]): EnvironmentRelease[] {
  const groups = new Map<number, ServiceRelease[]>();
  for (const each of services) {
    const { number } = each.release;
    groups.set(number, [...(groups.get(number) ?? []), each]);
  }
  return [...groups.values()]
    .flatMap((group) => {
      const sorted = group.sort((a, b) => (a.service < b.service ? -1 : 1));
      return sorted[0] ? [together(sorted[0].release, sorted)] : [];
    })
    .sort((a, b) => b.number - a.number);
}

function together(first: Release, services: ServiceRelease[]): EnvironmentRelease {
  const { number, createdAt, sha, ref, build, author } = first;
  const standing = standingOf(services.map((each) => each.standing));
  const who = author === undefined ? {} : { author };
  return { ...{ number, standing, createdAt, sha, ref, build, services }, ...who };
}

const rank = { bad: 0, trying: 1, good: 2 } as const;

/** The worst counts; of several alike the latest. */
function standingOf(all: Standing[]): Standing {
  const sorted = all.toSorted((a, b) => rank[a.state] - rank[b.state] || b.since - a.since);
  return sorted[0] ?? { state: 'trying', since: 0 };
}

/** Adds what is read of others: titles of commits, and how much evidence there is. */
async function describe(
  { commits, evidence }: HistoryOptions,
  project: number,
  page: EnvironmentRelease[],
): Promise<EnvironmentRelease[]> {
  const notes = await commits.find(
    project,
    page.map(({ sha }) => sha),
  );
  return Promise.all(
    page.map(async (each) => {
      const commit = notes.get(each.sha);
      const services = await Promise.all(
        each.services.map(async (of) => ({
          ...of,
          evidence: (await evidence?.count(of.release.app, each.number)) ?? 0,
        })),
      );
      return { ...each, services, ...(commit ? { commit } : {}) };
    }),
  );
}

async function diff(
  options: HistoryOptions,
  where: NumberedBy,
  wanted: { from?: number; to?: number },
) {
  const all = await releasesOf(options, where);
  const to = wanted.to ?? newestRunning(all);
  const from = wanted.from ?? all.find(({ number }) => number < (to ?? 0))?.number;
  const [before, after] = [from, to].map((number) => all.find((each) => each.number === number));
  if (!before || !after) throw notKept(all, { from, to });
  const names = new Set(all.flatMap(({ services }) => services.map(({ service }) => service)));
  const services = [...names].sort().flatMap((service) => {
    const sides = [before, after].map(({ number }) => hadAt(all, service, number));
    const [left, right] = sides;
    if (left?.number === right?.number) return [];
    return [{ service, ...diffReleases(left, right) }];
  });
  const sha = { from: before.sha, to: after.sha };
  const commits = await commitsBetween(options, where.project, sha);
  return {
    ...{ from: before.number, to: after.number, sha, services },
    ...(commits ? { commits } : {}),
  };
}

function newestRunning(all: EnvironmentRelease[]): number | undefined {
  return all.find(({ services }) => services.some(({ runs }) => runs))?.number;
}

/** The release of the number, else the last good one before. */
function hadAt(all: EnvironmentRelease[], service: string, number: number): Release | undefined {
  const own = all.flatMap(({ services }) => services.filter((each) => each.service === service));
  const found = own.find(
    ({ release, standing }) =>
      release.number === number || (release.number < number && standing.state === 'good'),
  );
  return found?.release;
}

interface Sides {
  from: number | undefined;
  to: number | undefined;
}

function notKept(all: EnvironmentRelease[], sides: Sides): ConflictError {
  const numbers = all.map((each) => each.number);
  return new ConflictError(lackOf(numbers, sides), { code: 'E_RELEASE', hint: choiceOf(numbers) });
}

/** Which side of a comparison there is not. */
function lackOf(numbers: number[], { from, to }: Sides): string {
  const lost = [from, to].find((number) => number !== undefined && !numbers.includes(number));
  if (lost !== undefined) return `Release ${lost} is not kept.`;
  if (numbers.length < 2) return 'There are no two releases.';
  return to === undefined ? 'No release runs.' : `No release before ${to} is kept.`;
}

function choiceOf(numbers: number[]): string {
  if (numbers.length === 0) return 'Push: that makes the first one.';
  if (numbers.length === 1) return `There is ${numbers.join()} alone.`;
  return `There are ${numbers.join(', ')}; name two of them as from and to.`;
}

async function commitsBetween(
  { commits }: HistoryOptions,
  project: number,
  { from, to }: { from: string; to: string },
) {
  if (from === to) return { added: [], removed: [] };
  const [added, removed] = await Promise.all([
    commits.between(project, from, to),
    commits.between(project, to, from),
  ]);
  return added && removed && { added, removed };
}
