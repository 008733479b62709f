/** Makes the image of a build on the Docker host, from GitLab's archive. */
import type { Build, BuildPlan } from '../core/build.ts';
import { EkidenError, RemoteError } from '../core/errors.ts';
import { type Leg, withLeg } from '../core/timeline.ts';
import { createArchives } from './archives/archives.ts';
import { createGitLabSource } from './archives/gitlab-source.ts';
import type { BuilderOptions } from './builder.ts';
import { type PreparedContext, prepareContext } from './context/prepare.ts';
import { declaredArgs } from './dockerfile/index.ts';
import { buildImage } from './image/image.ts';
import { imageLabels } from './image/labels.ts';
import { imageId } from './image/made-image.ts';
import { explainRefusal, loginsFor } from './image/registry-login.ts';
import { formsOf, secretMounts } from './image/secret-mounts.ts';
import type { BuildLog } from './log/build-log.ts';
import { createStepLog } from './log/step-log.ts';
import type { ImageName } from './publish.ts';
import { cacheSources } from './reuse/cache-sources.ts';
import { createWhy } from './reuse/explain-steps.ts';
import type { Recipe } from './reuse/reuse.ts';

/** A build that has begun. */
export interface Running extends BuilderOptions {
  build: Build;
  plan: BuildPlan;
  log: BuildLog;
  signal: AbortSignal;
}

/** What the image is made of besides the commit. */
export async function recipeOf(running: Running): Promise<Recipe> {
  const { build, plan, builds, install } = running;
  const dockerfile = await builds.dockerfile(build.id);
  if (!dockerfile) {
    throw new RemoteError('The expanded Dockerfile is no longer kept.', {
      code: 'E_DOCKERFILE_LOST',
      hint: 'Push again.',
      retryable: false,
    });
  }
  return {
    dockerfile: dockerfile.bytes,
    map: dockerfile.map,
    args: argsFor(running, dockerfile.bytes),
    labels: imageLabels({ install, project: build.project, fragments: plan.fragments }),
  };
}

export interface Made {
  legs: Leg[];
  /** False for what may be made of more than its fingerprint says. */
  isSure: boolean;
}

/** Where only the push failed, a new try goes on with the image, and asks GitLab for no archive. */
export async function makeOnce(running: Running, image: ImageName, recipe: Recipe): Promise<Made> {
  const { name } = image;
  const { build, docker, builds, log } = running;
  if (build.made !== undefined && (await imageId(docker, name)) === build.made) {
    log.write('the image is made already\n');
    // There may have been other bases and args then.
    return { legs: build.legs, isSure: false };
  }
  const start = Date.now();
  const { hasCommit } = await makeImage(running, image, recipe);
  const made = await imageId(docker, name);
  const legs = withLeg(build.legs, { name: 'build', start, end: Date.now() });
  await builds.update(build.id, { legs, ...(made === undefined ? {} : { made }) });
  if (hasCommit())
    log.write('not kept for other builds: its files hold the commit (export-subst)\n');
  return { legs, isSure: !hasCommit() };
}

async function makeImage(
  running: Running,
  image: ImageName,
  recipe: Recipe,
): Promise<PreparedContext> {
  const { build, plan, docker, builder, limits, signal } = running;
  const { dockerfile, map, args, labels } = recipe;
  const access = await openSecrets(running, { bytes: dockerfile, args });
  const cacheFrom = await cacheSources(running, image);
  const context = await openContextOf(running, recipe);
  const steps = openStepLog(running);
  await buildImage({
    docker,
    builder,
    context,
    dockerfile: { bytes: dockerfile, map },
    name: image.name,
    args,
    target: plan.target,
    platform: plan.platform,
    labels,
    logins: access.logins,
    secrets: access.mounts,
    cacheFrom,
    noCache: build.noCache,
    limits,
    onStep: steps.take,
    signal,
  })
    .catch(async (error: unknown) => {
      if (error instanceof EkidenError && error.code === 'E_ARCHIVE') await context.forgetArchive();
      throw explainRefusal(context.notes.explain(error), access);
    })
    .finally(steps.close);
  return context;
}

function openContextOf(running: Running, { dockerfile, map, args }: Recipe) {
  const { gitlab, log, registryClient } = running;
  return prepareContext({
    ...running,
    registry: registryClient,
    archives: running.archives ?? createArchives({ source: createGitLabSource({ gitlab }) }),
    dockerfile: { bytes: dockerfile, map },
    args,
    write: (text) => log.write(text),
  });
}

function openStepLog({ build, builds, gitlab, log, signal }: Running) {
  const why = createWhy({ gitlab, builds });
  return createStepLog({
    log,
    save: (steps) => builds.update(build.id, { steps }),
    why: async (steps) => (signal.aborted ? steps : why(build, steps)),
  });
}

/** A Dockerfile gets those that it declares; CI/CD variables are none, since an image keeps its args. */
function argsFor({ args, plan }: Running, bytes: Buffer): Record<string, string> {
  const declared = declaredArgs(bytes);
  const all = Object.entries({ ...args, ...plan.args });
  return Object.fromEntries(all.filter(([arg]) => declared.has(arg)));
}

/** Reads what GitLab's variables hold, and keeps it out of the log before anything is printed. */
async function openSecrets(
  { build, plan, log, secretsOf }: Running,
  dockerfile: { bytes: Buffer; args: Record<string, string> },
) {
  const given = await secretsOf?.(build);
  log.hide((given?.masked ?? []).flatMap(formsOf));
  const access = loginsFor(given?.dockerAuth, dockerfile);
  log.hide(access.secrets.flatMap(formsOf));
  const { values = {}, areUnreadable = false } = given ?? {};
  const mounts = secretMounts(plan.secrets, { values, areUnreadable });
  log.hide(Object.values(mounts).flatMap(formsOf));
  return { ...access, mounts, areUnreadable };
}
