/** Leg 2: makes the image of a resolved build and pushes it to the registry. */
import type { Docker } from '../clients/docker.ts';
import type { GitLab } from '../clients/gitlab.ts';
import type { Registry } from '../clients/registry.ts';
import type { Build, BuildStore, Heads } from '../core/build.ts';
import { EkidenError } from '../core/errors.ts';
import type { HandOn, JourneyEvent } from '../core/event.ts';
import type { ServiceSpec } from '../core/manifest.ts';
import { type Attempt, refuseDeadly } from '../core/queue.ts';
import { shortRef, supersededBy } from '../core/ref.ts';
import { type Leg, withLeg } from '../core/timeline.ts';
import type { BuildSecrets } from '../core/variable.ts';
import { endOf, waitingFor } from './end.ts';
import { detailsOfFailure, explainFailure } from './image/build-error.ts';
import type { BuilderKind } from './image/builder-choice.ts';
import { exposedPorts } from './image/made-image.ts';
import { withPorts } from './image/ports.ts';
import type { Login } from './image/registry-login.ts';
import type { BuildLog, BuildLogs } from './log/build-log.ts';
import { makeOnce, type Running, recipeOf } from './making.ts';
import { giveTags, type ImageName, nameOf, publish } from './publish.ts';
import {
  type Fingerprint,
  findMade,
  fingerprintFor,
  isStillOn,
  type Recipe,
  sayReused,
} from './reuse/reuse.ts';

export interface BuilderOptions {
  gitlab: GitLab;
  docker: Docker;
  builds: BuildStore;
  heads: Heads;
  logs: BuildLogs;
  /** `host:port[/prefix]`. */
  registry: string;
  registryClient: Registry;
  /** Runs work of one name one after the other, on all hosts. */
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** By default the daemon is asked. */
  builder?: BuilderKind | 'auto';
  /** With which Ekiden pushes, where the registry asks for a login. */
  registryLogin?: Login;
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
  const { build, plan, builds, heads } = running;
  const image = nameOf(running);
  const recipe = await recipeOf(running);
  const start = Date.now();
  const fingerprint = await fingerprintFor(running, recipe);
  const stage = { running, image, recipe, fingerprint, start };
  const { digest, services, legs } = (await reuseImage(stage)) ?? (await makeAndPush(stage));
  const pushed = `${image.repository}@${digest}`;
  await builds.update(build.id, { image: pushed, legs, plan: { ...plan, services } });
  const head = await heads.current(build.project, build.ref);
  if (head?.build === build.id) return end(builds, build.id, 'succeeded');
  const reason = head ? supersededBy(head.sha) : `${shortRef(build.ref)} was deleted`;
  return end(builds, build.id, 'superseded', reason);
}

interface Stage {
  running: Running;
  image: ImageName;
  recipe: Recipe;
  /** Undefined where nobody can tell beforehand what will be made. */
  fingerprint: Fingerprint | undefined;
  /** In milliseconds since the epoch. */
  start: number;
}

/** What the registry has of a build. */
interface Published {
  digest: string;
  services: ServiceSpec[];
  legs: Leg[];
}

/** Takes the image that was made of the same before; undefined where there is none. */
async function reuseImage(stage: Stage): Promise<Published | undefined> {
  const { running, image, fingerprint, start } = stage;
  const { build, plan, log } = running;
  if (fingerprint === undefined || build.noCache) return undefined;
  const found = await findMade(running, image, fingerprint);
  if (found === undefined) return undefined;
  const { manifest, ports } = found;
  const services = withPorts(plan.services, ports);
  const said = sayReused(running, manifest.digest);
  await giveTags(running, image, { manifest, tags: [image.tag] });
  log.write(await said);
  const legs = withLeg(build.legs, { name: 'reuse', start, end: Date.now() });
  return { digest: manifest.digest, services, legs };
}

async function makeAndPush({ running, image, recipe, fingerprint }: Stage): Promise<Published> {
  const { plan, docker } = running;
  const made = await makeOnce(running, image, recipe);
  const services = withPorts(plan.services, await exposedPorts(docker, image.name));
  const start = Date.now();
  const isSure = fingerprint !== undefined && (await isStillOn(running, fingerprint));
  const digest = await publish(running, image, isSure ? fingerprint.tag : undefined);
  return { digest, services, legs: withLeg(made.legs, { name: 'push', start, end: Date.now() }) };
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
  log.write(`\nfailed: ${reason}\n${detailsOfFailure(error, dockerfile)}`);
  return end(builds, build.id, 'failed', reason);
}
