/** Prepares the context of a build: what is left out, where the rest comes from, and what is said of it. */
import { posix } from 'node:path';
import type { GitLab } from '../../clients/gitlab.ts';
import type { Build, BuildPlan, ExpandedDockerfile } from '../../core/build.ts';
import type { Archives } from '../archives/archives.ts';
import { missingCopySources } from '../dockerfile/index.ts';
import { type Context, openContext } from './context.ts';
import { compileIgnore, type IgnoreFile } from './ignore.ts';
import { createNotes, type Notes } from './notes.ts';
import { type SettleOptions, settleVisible } from './settled.ts';
import { namedSources, visiblePaths } from './visible.ts';

export interface PrepareOptions extends Pick<SettleOptions, 'docker' | 'builder' | 'registry'> {
  build: Build;
  plan: BuildPlan;
  gitlab: GitLab;
  archives: Archives;
  dockerfile: ExpandedDockerfile;
  args: Record<string, string>;
  write: (text: string) => void;
  signal: AbortSignal;
}

export interface PreparedContext extends Context {
  notes: Notes;
  /** True where its files hold the commit, so that those of another one differ; told at its end. */
  hasCommit(): boolean;
  /** Lets the next try ask GitLab again. */
  forgetArchive(): Promise<void>;
}

export async function prepareContext(options: PrepareOptions): Promise<PreparedContext> {
  const { build, plan, archives, dockerfile, args, write, signal } = options;
  const { sha, project } = build;
  const folder = plan.context;
  const reading = { args, target: plan.target };
  const [ignoreFile, { visible, path }] = await Promise.all([
    readIgnoreFile(options),
    settleVisible({
      ...options,
      ...{ project, sha, folder, platform: plan.platform },
      visible: visiblePaths(dockerfile.bytes, reading),
    }),
  ]);
  const ignores = ignoreFile && compileIgnore(ignoreFile);
  const named = namedSources(dockerfile.bytes, reading);
  const notes = createNotes({ ...options, named, ignoreFile: ignoreFile?.file, ignores });
  const archive = { project, sha, path };
  let hasCommit = false;
  const context = openContext({
    archive: await archives.open({ ...archive, signal }),
    ...{ folder, ignores, visible, signal },
    dockerfile: { path: plan.dockerfile, bytes: dockerfile.bytes },
    wanted: new Set([...named, ...fragmentSources(dockerfile)]),
    onEnd: async (findings) => {
      hasCommit = findings.hasCommit();
      write(await notes.of(findings));
    },
  });
  const forgetArchive = () => archives.forget(archive);
  return { ...context, notes, forgetArchive, hasCommit: () => hasCommit };
}

/** The one of the Dockerfile goes before that of the context. */
async function readIgnoreFile({
  gitlab,
  build,
  plan,
}: PrepareOptions): Promise<IgnoreFile | undefined> {
  const files = [`${plan.dockerfile}.dockerignore`, posix.join(plan.context, '.dockerignore')];
  const found = await Promise.all(
    files.map(async (file) => {
      const bytes = await gitlab.file(build.project, file, build.sha);
      return bytes && { file, bytes };
    }),
  );
  return found.find((one) => one !== undefined);
}

/** Those that fragments name: each is asked about once. */
function fragmentSources(dockerfile: ExpandedDockerfile): string[] {
  const sources: string[] = [];
  missingCopySources(dockerfile, (path) => {
    sources.push(path);
    return true;
  });
  return sources;
}
