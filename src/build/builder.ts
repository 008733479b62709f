/** Leg 2: makes the image of a resolved build and pushes it to the registry. */
import type { Docker } from '../clients/docker.ts';
import type { GitLab } from '../clients/gitlab.ts';
import type { Build, BuildStore, Heads } from '../core/build.ts';
import { EkidenError } from '../core/errors.ts';
import type { HandOn, JourneyEvent } from '../core/event.ts';
import { type Attempt, refuseDeadly } from '../core/queue.ts';
import { shortRef, supersededBy } from '../core/ref.ts';
import { withLeg } from '../core/timeline.ts';
import type { BuildSecrets } from '../core/variable.ts';
import { endOf, waitingFor } from './end.ts';
import { explainFailure } from './image/build-error.ts';
import { exposedPorts } from './image/image.ts';
import { withPorts } from './image/ports.ts';
import type { BuildLog, BuildLogs } from './log/build-log.ts';
import { makeOnce, type Running } from './making.ts';
import { nameOf, publish } from './publish.ts';

export interface BuilderOptions {
  gitlab: GitLab;
  docker: Docker;
  builds: BuildStore;
  heads: Heads;
  logs: BuildLogs;
  /** `host:port[/prefix]`. */
  registry: string;
  /** Args given to every Dockerfile that declares them. */
  args: Record<string, string>;
  install: string;
  /** Seconds. */
  timeout: number;
  /** What GitLab's variables hold for the build; by default nothing. */
  secretsOf?: (build: Build) => Promise<BuildSecrets>;
}

export interface Builder {
  /** Answers what to hand on at the end; what happens on the way goes to `handOn`. */
  build(id: string, handOn: HandOn, attempt: Attempt): Promise<JourneyEvent[]>;
}

export function createBuilder(options: BuilderOptions): Builder {
  const { builds, logs, timeout } = options;

  return {
    async build(id, handOn, attempt) {
      const build = await builds.find(id);
      if (!build?.plan) return [];
      if (!(await builds.start(id))) return endedAs(builds, id);
      await handOn({ type: 'build.started', build: id });
      const log = await logs.open(id);
      const limit = AbortSignal.timeout(timeout * 1000);
      const signal = AbortSignal.any([attempt.signal, limit]);
      try {
        refuseDeadly(attempt);
        return await unlessAborted(
          signal,
          run({ ...options, build, plan: build.plan, log, signal }),
        );
      } catch (error) {
        // Cancelled means ended by somebody else, who may not have lived to say so.
        if (attempt.signal.aborted && !(await builds.start(id))) return endedAs(builds, id);
        if (attempt.signal.aborted) throw error;
        const reason = limit.aborted ? `not done after ${timeout} s` : undefined;
        return await fail(options, { build, log, error, reason, last: attempt.last });
      } finally {
        await log.close();
      }
    },
  };
}

/** A Docker that hangs must not keep the slot of a build that was cancelled or took too long. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
}

async function run(running: Running): Promise<JourneyEvent[]> {
  const { build, plan, docker, builds, heads } = running;
  const image = nameOf(running);
  const made = await makeOnce(running, image.name);
  const services = withPorts(plan.services, await exposedPorts(docker, image.name));
  const start = Date.now();
  const digest = await publish(running, image);

  const legs = withLeg(made.legs, { name: 'push', start, end: Date.now() });
  const pushed = `${image.repository}@${digest}`;
  await builds.update(build.id, { image: pushed, legs, plan: { ...plan, services } });
  const head = await heads.current(build.project, build.ref);
  if (head?.build === build.id) return end(builds, build.id, 'succeeded');
  const reason = head ? supersededBy(head.sha) : `${shortRef(build.ref)} was deleted`;
  return end(builds, build.id, 'superseded', reason);
}

async function end(builds: BuildStore, id: string, state: Build['state'], reason?: string) {
  await builds.end(id, state, reason);
  return endedAs(builds, id);
}

async function endedAs(builds: BuildStore, id: string): Promise<JourneyEvent[]> {
  const build = await builds.find(id);
  return build ? endOf(build) : [];
}

interface Failure {
  build: Build;
  log: BuildLog;
  error: unknown;
  reason: string | undefined;
  last: boolean;
}

async function fail({ builds }: BuilderOptions, failure: Failure): Promise<JourneyEvent[]> {
  const { build, log, error, last } = failure;
  const tryAgain = !(error instanceof EkidenError) || error.retryable;
  const dockerfile = await builds.dockerfile(build.id);
  const reason = log.masked(failure.reason ?? explainFailure(error, dockerfile));
  if (failure.reason === undefined && tryAgain && !last) {
    await builds.update(build.id, { reason: waitingFor(reason) });
    log.write(`\n${waitingFor(reason)}\n`);
    throw error;
  }
  log.write(`\nfailed: ${reason}\n`);
  return end(builds, build.id, 'failed', reason);
}
