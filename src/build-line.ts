/** The line of builds that wait: whose turn is next, where each stands in it, and since when. */
import { type Build, isActive, type Waiting } from './core/build.ts';
import { messageOf } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { keepLooking } from './core/looking.ts';
import { type Line, longestLine } from './core/queue.ts';
import { coarseSeconds, describeWaiting, expectedWaits, unknownBuild } from './core/waiting.ts';
import type { Report } from './gitlab/report.ts';
import type { Stores } from './stores/index.ts';
import { arriving } from './under-way.ts';

export interface BuildLine {
  /** Gives a resolved build its turn; answers its priority among those that wait. */
  enter(build: string): Promise<number>;
  /** A build has begun, and others move up. */
  begin(build: string): Promise<void>;
  /** Takes a build that has ended out of the line; does nothing when it is not in it. */
  leave(build: string): Promise<void>;
  /**
   * Counts this host among those that build, and keeps where each build stands true, until the
   * answered function is called; of all hosts, one looks. `cancel` is told of builds that run
   * somewhere although they have ended, in case the first word of it was lost.
   */
  keepTrue(cancel: (build: string, reason: string) => void): Promise<() => Promise<void>>;
}

export interface BuildLineOptions {
  stores: Pick<Stores, 'builds' | 'builders' | 'buildTurns' | 'queues'>;
  /** This host; `shortage` tells what it lacks while it takes no builds. */
  host: { name: string; slots: number; shortage?: () => string | undefined };
  /** How often builds are told where they stand, in milliseconds. */
  every?: number;
  report: Pick<Report, 'build'>;
  log: Log;
}

/** Often enough for whoever looks at the page. */
const lookEvery = 5_000;

/** How often GitLab is told of one of the next builds at most, in milliseconds. */
const tellEvery = 15_000;

/** So many builds are the next ones; of as many behind them it is told half as often, and so on. */
const nextOnes = 10;

/** Of how many builds it is said where they stand; those behind them wait for long in any case. */
const longest = 200;

/** A build that the queue does not know in so many looks, which are a minute, is lost. */
const mostMisses = 12;

export function createBuildLine(options: BuildLineOptions): BuildLine {
  const { builds, builders, buildTurns, queues } = options.stores;
  return {
    async enter(id) {
      const build = await builds.find(id);
      if (build?.state !== 'queued') return 0;
      const isProduction = build.plan?.environments.includes('production') ?? false;
      return buildTurns.take({ build: id, project: build.project, isProduction });
    },
    begin: (id) => buildTurns.begin(id),
    async leave(id) {
      await queues.build.remove(id);
      await buildTurns.end(id);
      const build = await builds.find(id);
      const took = build ? timeOf(build) : undefined;
      if (build && took !== undefined) await builders.noteTime(build.project, took);
    },
    keepTrue: (cancel) => keepTrue(options, cancel),
  };
}

async function keepTrue(
  options: BuildLineOptions,
  cancel: (build: string, reason: string) => void,
): Promise<() => Promise<void>> {
  const { host, stores, log, every = lookEvery } = options;
  const { builders } = stores;
  const seen: Seen = { told: new Map(), missed: new Map() };
  const announce = () => builders.announce({ ...host, shortage: host.shortage?.() });
  const look = async () => {
    await announce();
    await cancelEnded(stores, cancel);
    if ((await builders.first()) === host.name) await lookOnce({ ...options, ...seen });
  };
  await announce();
  const stop = keepLooking({
    look,
    every,
    onError: (error) =>
      log.warn({ error: messageOf(error) }, 'cannot look after the line of builds'),
  });
  return async () => {
    await stop();
    await builders.leave(host.name);
  };
}

async function cancelEnded(
  { builds, queues }: BuildLineOptions['stores'],
  cancel: (build: string, reason: string) => void,
): Promise<void> {
  for (const { id } of (await queues.build.line()).running) {
    const build = await builds.find(id);
    if (build && !isActive(build)) cancel(id, build.reason ?? build.state);
  }
}

/** What whoever looks remembers from one look to the next, by the ids of builds. */
interface Seen {
  /** What GitLab was told of those that wait, and when. */
  told: Map<string, { words: string; at: number }>;
  /** In how many looks one after the other the queue did not know them. */
  missed: Map<string, number>;
}

type Looking = Pick<BuildLineOptions, 'stores' | 'report'> & Seen;

async function lookOnce(looking: Looking): Promise<void> {
  const { stores, report, told } = looking;
  const { builds, queues } = stores;
  const line = await queues.build.line();
  await sweep(looking, line);
  await putInOrder(stores, line);
  const now = await standings(stores, line);
  for (const id of [...told.keys()].filter((id) => !now.has(id))) told.delete(id);
  for (const [id, { build, waiting }] of now) {
    if (JSON.stringify(build.waiting) !== JSON.stringify(waiting)) {
      await builds.update(id, { waiting });
    }
    const words = describeWaiting({ ...build, waiting });
    const last = told.get(id) ?? { words: '', at: 0 };
    const pause = tellEvery * Math.ceil((waiting.position ?? 1) / nextOnes);
    if (last.words === words || Date.now() - last.at < pause) continue;
    told.set(id, { words, at: Date.now() });
    await report.build(id, 'queued');
  }
}

/** Whoever ended a build may not have lived to say so here, and a queue that lost one never ends it. */
async function sweep(looking: Looking, line: Line): Promise<void> {
  const { stores, missed } = looking;
  const { builds, buildTurns } = stores;
  const running = line.running.map(({ id }) => id);
  const known = new Set([...line.waiting, ...line.delayed, ...running]);
  // Whoever made a record may not have lived to bring it into the line.
  const all = [...new Set([...(await buildTurns.builds()), ...(await builds.active())])];
  for (const id of [...missed.keys()].filter((id) => !all.includes(id))) missed.delete(id);
  const lost: string[] = [];
  for (const id of all) {
    const build = await builds.find(id);
    if (!build || !isActive(build)) await buildTurns.end(id);
    // Of a longer line, only its beginning is known.
    else if (known.has(id) || known.size >= longestLine) missed.delete(id);
    else lost.push(id);
  }
  await missAll(looking, lost);
}

async function missAll(looking: Looking, lost: string[]): Promise<void> {
  const { stores, missed } = looking;
  if (lost.length === 0) return;
  const isArriving = await arriving(stores.queues);
  for (const id of lost) {
    if (isArriving(id)) missed.delete(id);
    else await miss(looking, id);
  }
}

/** Of two processes that move a build, the one that knows less may be the last, and one may die before it does. */
async function putInOrder(
  { buildTurns, queues }: BuildLineOptions['stores'],
  { waiting }: Line,
): Promise<void> {
  const priorities = await buildTurns.priorities();
  const places = waiting.flatMap((id) => priorities.get(id) ?? []);
  if (places.every((place, index) => place >= (places[index - 1] ?? 0))) return;
  for (const id of waiting) {
    const priority = priorities.get(id);
    if (priority !== undefined) await queues.build.reprioritize(id, priority);
  }
}

/** What is about to be queued, or to end, is missed for a moment. */
async function miss({ stores, report, missed }: Looking, id: string): Promise<void> {
  const { builds, buildTurns } = stores;
  const count = (missed.get(id) ?? 0) + 1;
  missed.set(id, count);
  if (count < mostMisses) return;
  await builds.end(id, 'failed', 'the queue of builds has lost it: build it again');
  await report.build(id, 'failed');
  await buildTurns.end(id);
}

/** Milliseconds for which an image was made; undefined where none was. */
function timeOf({ state, legs }: Build): number | undefined {
  const making = legs.filter(({ name }) => name === 'build' || name === 'push');
  const ends = making.flatMap(({ end }) => (end === undefined ? [] : [end]));
  if (state !== 'succeeded' || ends.length === 0) return undefined;
  return Math.max(...ends) - Math.min(...making.map(({ start }) => start));
}

interface Standing {
  build: Build;
  waiting: Waiting;
}

/** Where each queued build stands, by its id. */
async function standings(
  stores: BuildLineOptions['stores'],
  line: Line,
): Promise<Map<string, Standing>> {
  const { builders, buildTurns } = stores;
  const [waiting, delayed] = [await find(stores, line.waiting), await find(stores, line.delayed)];
  const running = await find(
    stores,
    line.running.map(({ id }) => id),
  );
  const priorities = await buildTurns.priorities();
  const times = await builders.usualTimes([...waiting, ...running].map(({ project }) => project));
  const takes = ({ project }: Build) => times.get(project) ?? unknownBuild;
  const since = new Map(line.running.map(({ id, since }) => [id, since]));
  const waits = expectedWaits({
    slots: await builders.slots(),
    running: running.map((build) => takes(build) - (Date.now() - (since.get(build.id) ?? 0))),
    waiting: waiting.map(takes),
  });
  const shortage = await builders.shortage();
  const priorityOf = ({ id }: Build) => priorities.get(id) ?? 0;
  const standing = [
    ...waiting.map((build, index): Standing => {
      const place = { position: index + 1, priority: priorityOf(build) };
      return { build, waiting: { ...place, ...expected(waits[index], shortage) } };
    }),
    ...delayed.map((build) => ({ build, waiting: { priority: priorityOf(build) } })),
  ];
  const queued = standing.filter(({ build }) => build.state === 'queued');
  return new Map(queued.map((each) => [each.build.id, each]));
}

function expected(
  wait: number | undefined,
  shortage: string | undefined,
): Pick<Waiting, 'expectedSeconds' | 'why'> {
  if (wait !== undefined) return { expectedSeconds: coarseSeconds(wait) };
  return { why: shortage ? `waits: ${shortage}` : 'waits for a builder: none is there' };
}

async function find({ builds }: BuildLineOptions['stores'], ids: string[]): Promise<Build[]> {
  const found = await Promise.all(ids.slice(0, longest).map((id) => builds.find(id)));
  return found.flatMap((build) => (build && isActive(build) ? [build] : []));
}
