/** Leg 2: makes the image of a resolved build and pushes it to the registry. */
import type { Docker } from '../clients/docker.ts';
import type { GitLab } from '../clients/gitlab.ts';
import type { Registry } from '../clients/registry.ts';
import { type Build, type BuildStore, type Heads, isActive } from '../core/build.ts';
import { NoRoomError, RemoteError } from '../core/errors.ts';
import type { HandOn, JourneyEvent } from '../core/event.ts';
import type { ServiceSpec } from '../core/manifest.ts';
import { type Attempt, askedPause, isFinal, refuseDeadly } from '../core/queue.ts';
import { shortRef, supersededBy } from '../core/ref.ts';
import { type Leg, withLeg } from '../core/timeline.ts';
import type { BuildSecrets } from '../core/variable.ts';
import type { Archives } from './archives/archives.ts';
import { askingOnce } from './asking-once.ts';
import { endOf, waitingFor } from './end.ts';
import { detailsOfFailure, explainFailure } from './image/build-error.ts';
import type { BuildLimits } from './image/build-query.ts';
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
  /** By default each build asks GitLab. */
  archives?: Archives;
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
  /** Of one build; the classic builder heeds them. */
  limits?: BuildLimits;
  /** @throws NoRoomError where the host has no room for a build now; by default there is. */
  admit?: () => Promise<void>;
  /** What GitLab's variables hold for the build; by default nothing. */
  secretsOf?: (build: Build) => Promise<BuildSecrets>;
}

export interface Builder {
  /** Answers what to hand on at the end; what happens on the way goes to `handOn`. */
  build(id: string, handOn: HandOn, attempt: Attempt): Promise<JourneyEvent[]>;
}

export function createBuilder(options: BuilderOptions): Builder {
  const { builds, logs, timeout, admit = async () => {} } = options;

  return {
    async build(id, handOn, attempt) {
      const build = await builds.find(id);
      if (!build?.plan) return [];
      if (!isActive(build)) return endOf(build);
      const log = await logs.open(id);
      const start = Date.now();
      const seconds = Math.min(timeout, build.plan.timeout ?? timeout);
      const limit = AbortSignal.timeout(seconds * 1000);
      const signal = AbortSignal.any([attempt.signal, limit]);
      try {
        refuseDeadly(attempt);
        await unlessAborted(signal, admit());
        if (!(await builds.start(id))) return await endedAs(builds, id);
        await handOn({ type: 'build.started', build: id });
        return await unlessAborted(
          signal,
          run({
            ...{ ...options, build, plan: build.plan, log, signal },
            gitlab: askingOnce(options.gitlab),
          }),
        );
      } catch (error) {
        // Cancelled means ended by somebody else, who may not have lived to say so.
        if (attempt.signal.aborted) return await endedUnless(builds, { id, start }, error);
        // The build stays in line for who has room, and the host says what it lacks.
        if (error instanceof NoRoomError) throw error;
        const reason = limit.aborted ? `not done after ${seconds} s` : undefined;
        return await fail(options, { build, start, log, error, reason, attempt, handOn });
      } finally {
        await log.close();
      }
    },
  };
}

/** A Docker that hangs must not keep the slot of a build that was cancelled or took too long. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  // A signal that was aborted before tells nobody any more.
  signal.throwIfAborted();
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
  });
  return Promise.race([work, aborted]).finally(() => over.abort());
}

/** Nobody waits for it once its signal is aborted; it stops by itself before it does any more. */
async function run(running: Running): Promise<JourneyEvent[]> {
  const { build, plan, builds, heads, signal } = running;
  signal.throwIfAborted();
  const image = nameOf(running);
  const recipe = await recipeOf(running);
  const start = Date.now();
  const fingerprint = await fingerprintFor(running, recipe);
  signal.throwIfAborted();
  const stage = { running, image, recipe, fingerprint, start };
  const { digest, services, legs } = (await reuseImage(stage)) ?? (await makeAndPush(stage));
  signal.throwIfAborted();
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
  const { build, plan, log, signal } = running;
  if (fingerprint === undefined || build.noCache) return undefined;
  const found = await findMade(running, image, fingerprint);
  signal.throwIfAborted();
  if (found === undefined) return undefined;
  const { manifest, ports } = found;
  const services = withPorts(plan.services, ports);
  try {
    await giveTags(running, image, { manifest, tags: [image.tag] });
  } catch (error) {
    // A registry may show an image and lack its layers; those that are built are pushed.
    if (!(error instanceof RemoteError) || signal.aborted) throw error;
    log.write(`built anew: ${error.message}\n`);
    return undefined;
  }
  log.write(await sayReused(running, manifest.digest));
  const legs = withLeg(build.legs, { name: 'reuse', start, end: Date.now() });
  return { digest: manifest.digest, services, legs };
}

async function makeAndPush({ running, image, recipe, fingerprint }: Stage): Promise<Published> {
  const { plan, docker } = running;
  const made = await makeOnce(running, image, recipe);
  const services = withPorts(plan.services, await exposedPorts(docker, image.name));
  const start = Date.now();
  const isKept = made.isSure && fingerprint && (await isStillOn(running, fingerprint));
  const digest = await publish(running, image, isKept ? fingerprint.tag : undefined);
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

/** @throws the error, where the build goes on some other time. */
async function endedUnless(
  builds: BuildStore,
  { id, start }: { id: string; start: number },
  error: unknown,
) {
  const build = await builds.find(id);
  if (build && isActive(build)) throw error;
  if (build) await noteLastLeg(builds, build, start);
  return build ? endOf(build) : [];
}

/** The leg in which a build that began at `start` ended early, so that its timeline tells where the time went. */
async function noteLastLeg(builds: BuildStore, { id, legs }: Build, start: number): Promise<void> {
  const made = legs.find(({ name }) => name === 'build')?.end;
  const last: Leg =
    made === undefined ? { name: 'build', start } : { name: 'push', start: Math.max(made, start) };
  await builds.update(id, { legs: withLeg(legs, { ...last, end: Date.now() }) });
}

interface Failure {
  build: Build;
  /** When this try began, in milliseconds since the epoch. */
  start: number;
  log: BuildLog;
  error: unknown;
  reason: string | undefined;
  attempt: Attempt;
  handOn: HandOn;
}

async function fail({ builds }: BuilderOptions, failure: Failure): Promise<JourneyEvent[]> {
  const { build, log, error, attempt } = failure;
  const dockerfile = await builds.dockerfile(build.id);
  const reason = log.masked(failure.reason ?? explainFailure(error, dockerfile));
  if (failure.reason === undefined && !isFinal(error, attempt)) {
    await sayWaiting(builds, failure, reason);
    throw error;
  }
  log.write(`\nfailed: ${reason}\n${detailsOfFailure(error, dockerfile)}`);
  await noteLastLeg(builds, (await builds.find(build.id)) ?? build, failure.start);
  return end(builds, build.id, 'failed', reason);
}

/** Told to GitLab where the build had begun; of builds that are in line still, the line tells. */
async function sayWaiting(builds: BuildStore, failure: Failure, reason: string): Promise<void> {
  const { build, log, error, attempt, handOn } = failure;
  const words = waitingFor(reason, askedPause(error, attempt.waited));
  const { state } = await builds.update(build.id, { reason: words });
  log.write(`\n${words}\n`);
  if (state === 'running') await handOn({ type: 'build.started', build: build.id });
}
