/** Expands the Dockerfile of a commit: for a build of it, and for whoever wants to see what a build would make of it. */
import type { Fragment } from '../core/build.ts';
import type { BuildSpec } from '../core/manifest.ts';
import {
  type ExpandOptions,
  type Expansion,
  expandDockerfile,
  type Included,
  resolvePath,
} from './dockerfile/index.ts';
import type { Actor, OpenSources } from './sources/index.ts';

export interface ExpansionOptions {
  openSources: OpenSources;
  /** Build args of the installation. */
  args: Record<string, string>;
  /** What administrators set for INCLUDE. */
  include: Pick<ExpandOptions, 'limits' | 'otherFrontends'>;
  /** Whether the Docker that builds reads heredocs by itself. */
  heredocs(): Promise<boolean>;
}

export interface CommitToExpand {
  project: { id: number; path: string };
  sha: string;
  build: Pick<BuildSpec, 'dockerfile' | 'args'>;
  /** Variables that INCLUDE may name, such as `EKIDEN_SHA`. */
  variables: Record<string, string>;
  /** Who may read what; undefined where nobody is known to have caused the build. */
  actor: Actor | undefined;
  /** Fragments to be taken exactly as an earlier build had them. */
  pins?: readonly Fragment[];
  /** In place of the Dockerfile that is committed. */
  content?: Buffer;
}

/** Throws what expandDockerfile throws. */
export type ExpandCommit = (commit: CommitToExpand) => Promise<Expansion>;

export function createExpansion({
  openSources,
  args,
  include,
  heredocs,
}: ExpansionOptions): ExpandCommit {
  return async ({ project, sha, actor, pins = [], build, variables, content }) => {
    const sources = openSources({ project, sha, actor, pins });
    const file = resolvePath('', build.dockerfile) ?? build.dockerfile;
    return expandDockerfile({
      ...sources,
      ...(content ? { read: async (path) => (path === file ? content : sources.read(path)) } : {}),
      ...include,
      heredocs: await heredocs(),
      file,
      args: { ...args, ...build.args },
      variables,
    });
  };
}

/** The fragments of an expansion as its build keeps them: each way to name a file once, in the order of the output. */
export function fragmentsOf({ included }: Pick<Expansion, 'included'>): Fragment[] {
  return eachOnce(included);
}

/** The repeats that were left out and are named in another way than all that was not. */
export function skippedOf({
  included,
  skipped,
}: Pick<Expansion, 'included' | 'skipped'>): Fragment[] {
  const known = new Set(included.map(keyOf));
  return eachOnce(skipped.filter((each) => !known.has(keyOf(each))));
}

function eachOnce(all: readonly Included[]): Fragment[] {
  const found = new Map<string, Fragment>();
  for (const { at: _, ...fragment } of all) {
    const key = keyOf(fragment);
    if (!found.has(key)) found.set(key, fragment);
  }
  return [...found.values()];
}

function keyOf({ source, file }: Fragment): string {
  return `${source} ${file}`;
}
