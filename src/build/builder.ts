/** Leg 2: makes the image of a resolved build and pushes it to the registry. */
import type { Docker } from '../clients/docker.ts';
import type { GitLab } from '../clients/gitlab.ts';
import type { Build, BuildPlan, BuildStore, Heads } from '../core/build.ts';
import { EkidenError, RemoteError } from '../core/errors.ts';
import type { HandOn, JourneyEvent } from '../core/event.ts';
import { type Attempt, refuseDeadly } from '../core/queue.ts';
import { shortRef, supersededBy } from '../core/ref.ts';
import { withLeg } from '../core/timeline.ts';
import type { BuildSecrets } from '../core/variable.ts';
import { openContext } from './context/context.ts';
import { declaredArgs } from './dockerfile/index.ts';
import { endOf, waitingFor } from './end.ts';
import { explainFailure } from './image/build-error.ts';
import { buildImage, exposedPorts, imageId, pushImage } from './image/image.ts';
import { refTag, repositoryOf, shaTag } from './image/image-name.ts';
import { withPorts } from './image/ports.ts';
import { explainRefusal, loginsFor } from './image/registry-login.ts';
import type { BuildLog, BuildLogs } from './log/build-log.ts';

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

interface Running extends BuilderOptions {
  build: Build;
  plan: BuildPlan;
  log: BuildLog;
  signal: AbortSignal;
}

async function run(running: Running): Promise<JourneyEvent[]> {
  const { build, plan, docker, builds, heads, log, registry, signal } = running;
  const repository = repositoryOf(registry, build.projectPath ?? String(build.project));
  const tag = shaTag(build.sha);
  const name = `${repository}:${tag}`;

  const made = await makeOnce(running, name);
  const services = withPorts(plan.services, await exposedPorts(docker, name));
  const pushStart = Date.now();
  const write = (text: string) => log.write(text);
  const digest = await pushImage({ docker, repository, tag, write, signal });
  await pushRefTag(running, repository, name);

  const legs = withLeg(made.legs, { name: 'push', start: pushStart, end: Date.now() });
  const image = `${repository}@${digest}`;
  await builds.update(build.id, { image, legs, plan: { ...plan, services } });
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

/** Where only the push failed, a new try goes on with the image, and asks GitLab for no archive. */
async function makeOnce(running: Running, name: string): Promise<Build> {
  const { build, docker, builds, log } = running;
  if (build.made !== undefined && (await imageId(docker, name)) === build.made) {
    log.write('the image is made already\n');
    return build;
  }
  const start = Date.now();
  await makeImage(running, name);
  const made = await imageId(docker, name);
  const legs = withLeg(build.legs, { name: 'build', start, end: Date.now() });
  return builds.update(build.id, { legs, ...(made === undefined ? {} : { made }) });
}

async function makeImage(running: Running, name: string): Promise<void> {
  const { build, plan, gitlab, docker, builds, log, install, signal } = running;
  const dockerfile = await builds.dockerfile(build.id);
  if (!dockerfile) {
    throw new RemoteError('The expanded Dockerfile is no longer kept.', {
      code: 'E_DOCKERFILE_LOST',
      hint: 'Push again.',
      retryable: false,
    });
  }
  for (const warning of plan.warnings) log.write(`${warning}\n`);
  for (const { file, sha256 } of plan.fragments) {
    log.write(`included ${file} (${sha256.slice(0, 12)})\n`);
  }
  const args = argsFor(running, dockerfile.bytes);
  const access = await openLogins(running, { bytes: dockerfile.bytes, args });
  const archive = await gitlab.archive(build.project, { sha: build.sha, path: plan.context });
  const context = openContext({
    archive,
    folder: plan.context,
    dockerfile: { path: plan.dockerfile, bytes: dockerfile.bytes },
    signal,
  });
  await buildImage({
    docker,
    context,
    name,
    args,
    logins: access.logins,
    ...(plan.target === undefined ? {} : { target: plan.target }),
    labels: { 'ekiden.install': install, 'ekiden.project': String(build.project) },
    write: (text) => log.write(text),
    signal,
  }).catch((error: unknown) => {
    throw explainRefusal(error, access);
  });
}

/** A Dockerfile gets those that it declares; CI/CD variables are none, since an image keeps its args. */
function argsFor({ args, plan }: Running, bytes: Buffer): Record<string, string> {
  const declared = declaredArgs(bytes);
  const all = Object.entries({ ...args, ...plan.args });
  return Object.fromEntries(all.filter(([arg]) => declared.has(arg)));
}

/** Reads what GitLab's variables hold, and keeps it out of the log before anything is printed. */
async function openLogins(
  { build, log, secretsOf }: Running,
  dockerfile: { bytes: Buffer; args: Record<string, string> },
) {
  const given = await secretsOf?.(build);
  log.hide(given?.masked ?? []);
  const access = loginsFor(given?.dockerAuth, dockerfile);
  log.hide(access.secrets);
  return { ...access, areUnreadable: given?.areUnreadable ?? false };
}

/** The branch's or tag's name leads to its newest image. */
async function pushRefTag(running: Running, repository: string, name: string): Promise<void> {
  const { build, docker, log, signal } = running;
  const tag = refTag(build.ref);
  await docker.getImage(name).tag({ repo: repository, tag });
  await pushImage({ docker, repository, tag, write: (text) => log.write(text), signal });
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
