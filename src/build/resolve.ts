/** Leg 1: finds out what a push means now: the head, the manifest, where it goes, the whole Dockerfile. */
import type { GitLab } from '../clients/gitlab.ts';
import {
  type Build,
  type BuildPlan,
  type BuildStore,
  type Heads,
  isActive,
} from '../core/build.ts';
import { EkidenError, NotFoundError } from '../core/errors.ts';
import type { JourneyEvent, PushReceived, RefDeleted } from '../core/event.ts';
import type { Manifest } from '../core/manifest.ts';
import type { Attempt } from '../core/queue.ts';
import { withLeg } from '../core/timeline.ts';
import { expandDockerfile, renderDiagnostic, type TemplateSource } from './dockerfile/index.ts';
import { endOf } from './end.ts';
import { environmentsOf } from './environments.ts';
import { manifestFile, parseManifest } from './manifest.ts';

/** How long GitLab may still show the state before the push, in milliseconds between looks. */
const staleLooks = [100, 300, 1_000];

export interface ResolverOptions {
  gitlab: GitLab;
  builds: BuildStore;
  heads: Heads;
  templates: TemplateSource;
  /** Seconds, where the manifest says nothing. */
  deadline: number;
  /** Stops a build that a newer commit made needless, wherever it is. */
  cancel: (build: string, reason: string) => Promise<void>;
}

export interface Resolver {
  /** Answers what to hand on; safe to repeat. */
  resolve(arrival: PushReceived, attempt: Pick<Attempt, 'last'>): Promise<JourneyEvent[]>;
  /** Stops what goes on for a ref that is gone; does nothing when GitLab shows the ref. */
  abandon(arrival: RefDeleted): Promise<JourneyEvent[]>;
}

export function createResolver(options: ResolverOptions): Resolver {
  const { builds, heads } = options;

  return {
    async resolve(arrival, attempt) {
      const start = Date.now();
      const current = await heads.current(arrival.project, arrival.ref);
      if (arrival.cause === 'reconcile' && current?.sha === arrival.sha) return [];
      const build = await builds.create(newBuild(arrival, start));
      if (!isActive(build)) return endOf(build);
      try {
        return await follow(options, { arrival, build, start });
      } catch (error) {
        const tryAgain = !(error instanceof EkidenError) || error.retryable;
        if (tryAgain && !attempt.last) throw error;
        return fail(options, build, error);
      }
    },
    abandon: (arrival) => abandon(options, arrival),
  };
}

async function abandon(
  { gitlab, builds, heads, cancel }: ResolverOptions,
  { project, ref }: RefDeleted,
): Promise<JourneyEvent[]> {
  if ((await gitlab.head(project, ref)) !== undefined) return [];
  const current = await heads.current(project, ref);
  if (current === undefined) return [];
  await heads.release(project, ref);
  const reason = `${shortRef(ref)} was deleted`;
  if (!(await builds.end(current.build, 'superseded', reason))) return [];
  await cancel(current.build, reason);
  return [{ type: 'build.superseded', build: current.build }];
}

interface Case {
  arrival: PushReceived;
  build: Build;
  start: number;
}

async function follow(options: ResolverOptions, { arrival, build, start }: Case) {
  const { gitlab, builds } = options;
  const project = await gitlab.project(build.project);
  await builds.update(build.id, { projectPath: project.path });
  const head = await headOf(gitlab, arrival);
  if (head === undefined) return skip(options, build, `${shortRef(build.ref)} is gone`);
  if (head !== build.sha) return giveWay(options, arrival, build, head);
  const twin = await twinOf(options, build);
  if (twin !== undefined) {
    await builds.end(build.id, 'skipped', `build ${twin} makes this commit already`);
    return [];
  }
  const manifest = parseManifest(await gitlab.file(build.project, manifestFile, head));
  const environments = environmentsOf(manifest, build.ref, project.defaultBranch);
  if (environments.length === 0) return skip(options, build, noEnvironment(build.ref, manifest));
  const plan = await planOf(options, { build, manifest, environments });
  // Last, since what is to be told of the older build could not be told again after a failure.
  const superseded = await claim(options, build);
  const resolved = withLeg(build.legs, { name: 'resolve', start, end: Date.now() });
  await builds.update(build.id, { plan, legs: resolved });
  return [...superseded, { type: 'build.resolved', build: build.id } as const];
}

/** The commit cannot be built; where it is the head, nobody waits for an older one either. */
async function fail(
  options: ResolverOptions,
  build: Build,
  error: unknown,
): Promise<JourneyEvent[]> {
  const { gitlab, builds } = options;
  const head = await gitlab.head(build.project, build.ref).catch(() => undefined);
  const superseded = head === build.sha ? await claim(options, build) : [];
  const reason = error instanceof EkidenError ? describe(error) : 'Ekiden failed inside';
  await builds.end(build.id, 'failed', reason);
  return [...superseded, ...endOf((await builds.find(build.id)) ?? build)];
}

/** Another build that is under way for the same commit of the same ref. */
async function twinOf({ builds, heads }: ResolverOptions, build: Build) {
  const current = await heads.current(build.project, build.ref);
  if (current === undefined || current.build === build.id || current.sha !== build.sha) return;
  const twin = await builds.find(current.build);
  return twin && isActive(twin) ? twin.id : undefined;
}

/** GitLab may still show the commit before the push, or no branch yet, for a moment. */
async function headOf(gitlab: GitLab, arrival: PushReceived): Promise<string | undefined> {
  for (const pause of staleLooks) {
    const head = await gitlab.head(arrival.project, arrival.ref);
    if (head !== undefined && head !== arrival.before) return head;
    await new Promise((wake) => setTimeout(wake, pause));
  }
  return gitlab.head(arrival.project, arrival.ref);
}

async function skip({ builds }: ResolverOptions, build: Build, reason: string) {
  await builds.end(build.id, 'skipped', reason);
  return [{ type: 'build.skipped', build: build.id } as const];
}

/** The ref has moved on: this commit is not built, and the head is looked after. */
async function giveWay(
  { builds }: ResolverOptions,
  arrival: PushReceived,
  build: Build,
  head: string,
): Promise<JourneyEvent[]> {
  const { project, ref } = arrival;
  await builds.end(build.id, 'superseded', supersededBy(head));
  return [
    { type: 'build.superseded', build: build.id },
    { type: 'head.moved', project, ref, before: arrival.sha, sha: head },
  ];
}

/** Takes the ref over; who held it before is stopped. */
async function claim(
  { builds, heads, cancel }: ResolverOptions,
  { id, project, ref, sha }: Build,
): Promise<JourneyEvent[]> {
  const { order, previous } = await heads.claim({ project, ref, sha, build: id });
  await builds.update(id, { order });
  if (previous === undefined) return [];
  const reason = supersededBy(sha);
  if (!(await builds.end(previous.build, 'superseded', reason))) return [];
  await cancel(previous.build, reason);
  return [{ type: 'build.superseded', build: previous.build }];
}

interface Planning {
  build: Build;
  manifest: Manifest;
  environments: string[];
}

async function planOf(options: ResolverOptions, planning: Planning): Promise<BuildPlan> {
  const { gitlab, builds, templates, deadline } = options;
  const { build, manifest, environments } = planning;
  const read = (path: string) => gitlab.file(build.project, path, build.sha);
  const file = manifest.build.dockerfile;
  const expansion = await expandDockerfile({ file, read, templates });
  await builds.saveDockerfile(build.id, { bytes: expansion.bytes, map: expansion.map });
  return {
    ...manifest.build,
    environments,
    services: manifest.services,
    deadline: manifest.deploy.deadline ?? deadline,
    fragments: expansion.included.map(({ file, sha256 }) => ({ file, sha256 })),
    warnings: expansion.warnings.map(renderDiagnostic),
  };
}

function newBuild(arrival: PushReceived, start: number): Build {
  const { receivedAt, acceptedAt } = arrival;
  return {
    id: arrival.build,
    project: arrival.project,
    ref: arrival.ref,
    sha: arrival.sha,
    state: 'queued',
    deployments: [],
    legs: [
      { name: 'hook', start: receivedAt, end: acceptedAt },
      { name: 'queue', start: acceptedAt, end: start },
    ],
    createdAt: Date.now(),
  };
}

function describe(error: EkidenError): string {
  if (error instanceof NotFoundError && error.code === 'E_GITLAB_NOT_FOUND') {
    return `${error.message}: does GITLAB_TOKEN see the project?`;
  }
  return error.message;
}

function supersededBy(sha: string): string {
  return `superseded by ${sha.slice(0, 12)}`;
}

function shortRef(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, '');
}

function noEnvironment(ref: string, manifest: Manifest): string {
  const where = manifest.environments
    ? `environments in ${manifestFile}`
    : 'without rules only the default branch is built';
  return `no environment takes ${shortRef(ref)}: ${where}`;
}
