/** Leg 1: finds out what a push means now: the head, the manifest, where it goes, the whole Dockerfile. */
import { type Build, type BuildPlan, isActive } from '../core/build.ts';
import { EkidenError, NotFoundError } from '../core/errors.ts';
import type { HandOn, JourneyEvent, PushReceived, RefDeleted } from '../core/event.ts';
import type { Manifest } from '../core/manifest.ts';
import type { ProjectStore } from '../core/project.ts';
import { type Attempt, askedPause, isFinal, refuseDeadly } from '../core/queue.ts';
import { shortRef } from '../core/ref.ts';
import { withLeg } from '../core/timeline.ts';
import { IncludeError, renderDiagnostic } from './dockerfile/index.ts';
import { endOf, waitingFor } from './end.ts';
import { environmentsOf, tagGlobsOf } from './environments.ts';
import { type ExpandCommit, fragmentsOf, skippedOf } from './expansion.ts';
import { abandon, claim, giveWay, type HeadOptions, headOf, twinOf } from './head.ts';
import { includeVariables } from './include-variables.ts';
import type { BuildLogs } from './log/build-log.ts';
import { type Note, pushNote, saidNote } from './log/journey.ts';
import { type ManifestLimits, manifestFile, parseManifest } from './manifest.ts';
import type { Actor } from './sources/index.ts';
import type { TagRuleOptions } from './tag-rule.ts';

export interface ResolverOptions extends HeadOptions {
  /** Told what the manifest says of tags, for those who ask in a hurry later. */
  tagRules: Pick<TagRuleOptions['tagRules'], 'save'>;
  projects: Pick<ProjectStore, 'note'>;
  expand: ExpandCommit;
  /** What a user of GitLab may read, on whose behalf fragments of other projects are. */
  actorOf: (user: number) => Actor;
  /** The most that a service may ask for. */
  limits: ManifestLimits;
  logs?: Pick<BuildLogs, 'note'>;
}

export interface Resolver {
  /** Answers what to hand on at the end; safe to repeat. */
  resolve(
    arrival: PushReceived,
    handOn: HandOn,
    attempt: Pick<Attempt, 'last' | 'crashes' | 'waited'>,
  ): Promise<JourneyEvent[]>;
  /** Stops what goes on for a ref that is gone; does nothing when GitLab shows the ref. */
  abandon(arrival: RefDeleted): Promise<JourneyEvent[]>;
}

export function createResolver(options: ResolverOptions): Resolver {
  const { builds, heads } = options;

  return {
    async resolve(arrival, handOn, attempt) {
      const start = Date.now();
      const current = await heads.current(arrival.project, arrival.ref);
      if (arrival.cause === 'reconcile' && current?.sha === arrival.sha) return [];
      const build = await builds.create(newBuild(arrival, start));
      if (!isActive(build)) return endOf(build);
      await say(options, build, pushNote(build));
      try {
        refuseDeadly(attempt);
        return await follow(options, { arrival, build, handOn, start });
      } catch (error) {
        if (!isFinal(error, attempt)) {
          const pause = askedPause(error, attempt.waited);
          const reason = waitingFor(reasonOf(error), pause);
          await builds.update(build.id, { reason });
          await say(options, build, saidNote(reason, Date.now()));
          throw error;
        }
        return fail(options, { build, start, error });
      }
    },
    abandon: (arrival) => abandon(options, arrival),
  };
}

interface Following {
  arrival: PushReceived;
  build: Build;
  handOn: HandOn;
  start: number;
}

async function follow(options: ResolverOptions, following: Following): Promise<JourneyEvent[]> {
  const { gitlab, builds, heads } = options;
  const { arrival, build, handOn, start } = following;
  const project = await gitlab.project(build.project);
  await builds.update(build.id, { projectPath: project.path });
  await options.projects.note({ id: project.id, path: project.path });
  const holder = await heads.current(build.project, build.ref);
  const head = await headOf(gitlab, arrival);
  if (head === undefined) return skip(options, build, `${shortRef(build.ref)} is gone`);
  if (head !== build.sha) return giveWay(options, { build, head, handOn });
  const twin = await twinOf(options, build);
  if (twin !== undefined) {
    await builds.update(build.id, { twin });
    return skip(options, build, `build ${twin} makes this commit already`);
  }
  const text = await gitlab.file(build.project, manifestFile, head);
  const manifest = parseManifest(text, options.limits);
  await options.tagRules.save(build.project, head, tagGlobsOf(manifest));
  const environments = environmentsOf(manifest, build.ref, project.defaultBranch);
  if (environments.length === 0) return skip(options, build, noEnvironment(build.ref, manifest));
  const { path } = project;
  const plan = await planOf(options, { build, path, manifest, environments });
  const now = await builds.find(build.id);
  if (now && !isActive(now)) return endOf(now);
  const superseded = await claim(options, build, holder?.build);
  if (superseded === undefined) return follow(options, following);
  const resolved = withLeg(build.legs, { name: 'resolve', start, end: Date.now() });
  await builds.update(build.id, { plan, legs: resolved });
  await builds.forgetReason(build.id);
  return [...superseded, { type: 'build.resolved', build: build.id }];
}

/** The commit cannot be built; where it is the head, nobody waits for an older one either. */
async function fail(
  options: ResolverOptions,
  { build, start, error }: { build: Build; start: number; error: unknown },
): Promise<JourneyEvent[]> {
  const { gitlab, builds, heads } = options;
  const holder = await heads.current(build.project, build.ref);
  const head = await gitlab.head(build.project, build.ref).catch(() => undefined);
  const superseded = head === build.sha ? await claim(options, build, holder?.build) : [];
  if (error instanceof IncludeError) {
    await say(options, build, saidNote(renderDiagnostic(error.diagnostic), Date.now()));
  }
  const legs = withLeg(build.legs, { name: 'resolve', start, end: Date.now() });
  await builds.update(build.id, { legs });
  await builds.end(build.id, 'failed', reasonOf(error));
  return [...(superseded ?? []), ...endOf((await builds.find(build.id)) ?? build)];
}

/** Nothing fails for want of a log. */
async function say({ logs }: ResolverOptions, { id }: Build, note: Note): Promise<void> {
  await logs?.note(id, note).catch(() => undefined);
}

async function skip({ builds }: ResolverOptions, build: Build, reason: string) {
  await builds.end(build.id, 'skipped', reason);
  return endOf((await builds.find(build.id)) ?? build);
}

interface Planning {
  build: Build;
  /** Of the project. */
  path: string;
  manifest: Manifest;
  environments: string[];
}

async function planOf(options: ResolverOptions, planning: Planning): Promise<BuildPlan> {
  const { builds, expand, actorOf } = options;
  const { build, path, manifest, environments } = planning;
  const expansion = await expand({
    project: { id: build.project, path },
    ...{ sha: build.sha, build: manifest.build, pins: build.pins ?? [] },
    variables: includeVariables(build, path),
    actor: build.actor === undefined ? undefined : actorOf(build.actor),
  });
  const skipped = skippedOf(expansion);
  const { bytes, map, written } = expansion;
  await builds.saveDockerfile(build.id, { bytes, map, written });
  return {
    ...manifest.build,
    environments,
    services: manifest.services,
    deploy: manifest.deploy,
    jobs: manifest.jobs,
    fragments: fragmentsOf(expansion),
    ...(skipped.length > 0 ? { skipped } : {}),
    warnings: expansion.warnings.map(renderDiagnostic),
  };
}

/** The record of what arrived, taken up at `start`. */
export function newBuild(arrival: PushReceived, start: number): Build {
  const { receivedAt, acceptedAt } = arrival;
  return {
    id: arrival.build,
    project: arrival.project,
    ref: arrival.ref,
    sha: arrival.sha,
    cause: arrival.cause,
    ...(arrival.by === undefined ? {} : { by: arrival.by }),
    ...(arrival.actor === undefined ? {} : { actor: arrival.actor }),
    ...arrival.again,
    state: 'queued',
    deployments: [],
    legs: [
      { name: 'hook', start: receivedAt, end: acceptedAt },
      { name: 'queue', start: acceptedAt, end: start },
    ],
    createdAt: Date.now(),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof EkidenError ? describe(error) : 'Ekiden failed inside';
}

function describe(error: EkidenError): string {
  if (error instanceof NotFoundError && error.code === 'E_GITLAB_NOT_FOUND') {
    return `${error.message}: does GITLAB_TOKEN see the project?`;
  }
  return error.message;
}

function noEnvironment(ref: string, manifest: Manifest): string {
  const where = manifest.environments
    ? `environments in ${manifestFile}`
    : 'without rules only the default branch is built';
  return `no environment takes ${shortRef(ref)}: ${where}`;
}
