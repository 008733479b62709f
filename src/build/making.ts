/** Makes the image of a build on the Docker host, from GitLab's archive. */
import type { Build, BuildPlan } from '../core/build.ts';
import { RemoteError } from '../core/errors.ts';
import { withLeg } from '../core/timeline.ts';
import type { BuilderOptions } from './builder.ts';
import { openContext } from './context/context.ts';
import { declaredArgs } from './dockerfile/index.ts';
import { buildImage, imageId } from './image/image.ts';
import { explainRefusal, loginsFor } from './image/registry-login.ts';
import type { BuildLog } from './log/build-log.ts';

/** A build that has begun. */
export interface Running extends BuilderOptions {
  build: Build;
  plan: BuildPlan;
  log: BuildLog;
  signal: AbortSignal;
}

/** Where only the push failed, a new try goes on with the image, and asks GitLab for no archive. */
export async function makeOnce(running: Running, name: string): Promise<Build> {
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
