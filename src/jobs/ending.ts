/** Brings a job to its end: what it printed last, how it ended, and nothing left in Marathon. */
import type { DataCentres } from '../clients/data-centres.ts';
import { sentenceOfExit } from '../core/ending.ts';
import type { Job, JobStore } from '../core/job.ts';
import type { InstanceExit, Witness } from '../core/node.ts';
import type { ReleaseStore } from '../core/release.ts';
import { mask, secretValuesOf } from '../core/secret.ts';
import { appOfJob } from './definition.ts';
import type { Output } from './output.ts';

export interface EndingOptions {
  dataCentres: Pick<DataCentres, 'find' | 'defaults'>;
  jobs: JobStore;
  releases: Pick<ReleaseStore, 'find'>;
  output: Output;
  /** What its node saw of an instance. */
  factsOf: Witness['factsOf'];
  /** Task ids that the nodes know of an app, for a run that ended before anybody looked. */
  instancesOf: (app: string) => Promise<string[]>;
}

/** How it ended; without an exit code its node may know one. */
export interface Ended {
  state: 'succeeded' | 'failed' | 'canceled';
  reason?: string;
  exitCode?: number;
  instance?: string;
  /** True where Marathon did not tell, and its node knows better. */
  isGuess?: boolean;
}

/**
 * Keeps the rest of the output without `known` secrets, by default those of its release, then the end, then takes
 * the app away: a crash in between repeats a step.
 */
export async function finish(
  options: EndingOptions,
  job: Job,
  seen: Ended,
  known?: string[],
): Promise<void> {
  const { jobs, output } = options;
  const secrets = known ?? (await secretsOf(options, job));
  const instance = job.instance ?? seen.instance ?? (await firstInstance(options, job));
  const ended = await withExit(options, job, seen, instance);
  const record = await jobs.update(job.id, {
    ...(instance === undefined ? {} : { instance }),
    ...(ended.exitCode === undefined ? {} : await ranWith(options, job, ended.exitCode, instance)),
    endedAt: Date.now(),
  });
  // Without knowing what is secret, nothing that was printed is shown.
  if (secrets) await output.copy(record, { secrets, isLast: true });
  // Marathon repeats parts of a definition that it refuses.
  const reason = ended.reason === undefined ? undefined : mask(ended.reason, secrets ?? []);
  await jobs.end(job.id, ended.state, reason);
  await clear(options, job);
}

/** One that ended between two looks began when it was sent, or soon after. */
async function ranWith(
  { output }: EndingOptions,
  { startedAt, sentAt }: Job,
  exitCode: number,
  instance: string | undefined,
): Promise<Partial<Job>> {
  const begun = startedAt ?? sentAt;
  const isReached = instance !== undefined && (await output.isReached(instance));
  return {
    exitCode,
    ...(begun === undefined ? {} : { startedAt: begun }),
    ...(isReached ? {} : { isLogIncomplete: true }),
  };
}

/** Undefined where nobody knows them any more. */
export async function secretsOf(
  { releases }: Pick<EndingOptions, 'releases'>,
  { app, release }: Job,
): Promise<string[] | undefined> {
  const found = await releases.find(app, release);
  return found && secretValuesOf(found);
}

/** Leaves nothing in Marathon; while that is away, the queue tries again. */
export async function clear({ dataCentres }: Pick<EndingOptions, 'dataCentres'>, job: Job) {
  if (job.dataCentre === undefined) return;
  await dataCentres.find(job.dataCentre).marathon.deleteApp(appOfJob(job), { force: true });
}

async function firstInstance({ instancesOf }: EndingOptions, job: Job) {
  if (job.sentAt === undefined) return undefined;
  // No job fails because its output is out of reach.
  const all = await instancesOf(appOfJob(job)).catch(() => []);
  return all.sort()[0];
}

/** Marathon does not tell how a task ended that somebody killed, nor every Mesos that it ran out of memory. */
async function withExit(options: EndingOptions, job: Job, ended: Ended, instance?: string) {
  if (ended.exitCode === 0 || job.stop || instance === undefined) return ended;
  const facts = await options.factsOf(instance).catch(() => undefined);
  return facts?.exit ? mergeExit(ended, facts.exit) : ended;
}

/** What Marathon told, with what the node knows besides. */
export function mergeExit(ended: Ended, { code, outOfMemory }: InstanceExit): Ended {
  const exitCode = ended.exitCode ?? code;
  if (exitCode === undefined) return ended;
  if (exitCode === 0 && ended.isGuess && !outOfMemory) return { state: 'succeeded', exitCode };
  const seen = ended.isGuess || outOfMemory;
  const reason = seen ? sentenceOfExit({ code: exitCode, outOfMemory }) : undefined;
  return { ...ended, exitCode, ...(reason === undefined ? {} : { reason }) };
}
