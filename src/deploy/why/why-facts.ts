/** Gathers what explains the state of an app beyond its own answer: the queue, the nodes, and what ended before. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Marathon, MarathonApp, MarathonTask } from '../../clients/marathon.ts';
import type { EvidenceStore, EvidenceSummary } from '../../core/evidence.ts';
import type { ListeningPort, Witness } from '../../core/node.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import type { IsOurs } from '../rollout/progress.ts';
import { configVersion } from '../services/apps.ts';
import { lastWordsOf } from './log-tails.ts';
import type { WhyFacts } from './why.ts';

export interface FactsOptions {
  evidence: Pick<EvidenceStore, 'count' | 'find' | 'list'>;
  witness: Witness;
}

/** An app of which something is to be said. */
export interface Asked {
  dataCentre: string;
  marathon: Pick<Marathon, 'queue'>;
  app: MarathonApp | undefined;
  isOurs: IsOurs;
  release: number | undefined;
}

/** Milliseconds that nodes and queues may take; without them Marathon's answer about the app has to do. */
const patience = 2_000;
/** Of instances that are in the same state, so many are looked at. */
export const mostLookedAt = 3;

/** Asks at once; what does not answer in time is left out. */
export async function gatherFacts(options: FactsOptions, asked: Asked): Promise<WhyFacts> {
  const { app, isOurs } = asked;
  if (!app) return { app, isOurs };
  const tasks = app.tasks.filter((task) => isOurs(task.version));
  const [queued, listening, past] = await Promise.all([
    tasks.length < app.instances ? within(patience, queuedOf(asked, app.id)) : undefined,
    within(patience, listeningOf(options, tasks)),
    within(patience, pastOf(options, asked)),
  ]);
  return { app, isOurs, queued, ...(listening ? { listening } : {}), ...past };
}

async function queuedOf({ marathon }: Asked, app: string) {
  const queue = await marathon.queue({ offers: true });
  return queue.find((item) => item.app.id === app);
}

/** Asks nodes about some of those that run and are not known to be well. */
async function listeningOf({ witness }: Pick<FactsOptions, 'witness'>, tasks: MarathonTask[]) {
  const sick = tasks.filter(
    (task) => task.state === 'TASK_RUNNING' && !(isHealthy(task) && task.healthCheckResults[0]),
  );
  const found = await Promise.all(
    sick.slice(0, mostLookedAt).map(async ({ id }): Promise<[string, ListeningPort[]][]> => {
      const facts = await witness.factsOf(id).catch(() => undefined);
      return facts?.listening ? [[id, facts.listening]] : [];
    }),
  );
  return new Map(found.flat());
}

/** How often instances of the release have ended, how the last one did, and its last words. */
async function pastOf({ evidence }: Pick<FactsOptions, 'evidence'>, asked: Asked) {
  const { app, release } = asked;
  if (!app || release === undefined) return {};
  const service = serviceAppOf(app.id);
  const finished = finishedOf(await evidence.list(service, release), app, asked);
  const last = finished?.instance ?? app.lastTaskFailure?.taskId;
  if (last === undefined) return {};
  const [ended, found] = await Promise.all([
    evidence.count(service, release),
    evidence.find(service, release, last),
  ]);
  const ranAndFailed = found?.exit?.code && !found.exit.outOfMemory;
  return {
    ended,
    ...(finished ? { finished: finished.reason } : {}),
    ...(ranAndFailed ? { lastWords: lastWordsOf(found.logs) } : {}),
  };
}

/**
 * The last of this definition that ended by itself, which Marathon takes for no failure; undefined where one has
 * failed after it.
 */
function finishedOf(kept: EvidenceSummary[], app: MarathonApp, { dataCentre, isOurs }: Asked) {
  const found = kept.findLast(
    (each) => each.dataCentre === dataCentre && each.state === 'TASK_FINISHED',
  );
  const { version, timestamp = '' } = app.lastTaskFailure ?? {};
  const since = version !== undefined && isOurs(version) ? timestamp : configVersion(app);
  return found && found.at > Date.parse(since) ? found : undefined;
}

/** Undefined for what fails or takes longer. */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  const late = new AbortController();
  const timer = delay(milliseconds, undefined, { signal: late.signal }).catch(() => undefined);
  try {
    return await Promise.race([work.catch(() => undefined), timer]);
  } finally {
    late.abort();
  }
}

export function isHealthy({ state, healthCheckResults }: MarathonTask): boolean {
  return state === 'TASK_RUNNING' && healthCheckResults.every(({ alive }) => alive);
}
