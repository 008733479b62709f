/** A Build makes one image of one commit; its record lives in Redis. */
import type { BuildStep } from './build-step.ts';
import type { BuildSpec, DeploySpec, JobSpec, ServiceSpec } from './manifest.ts';
import type { Page, Paging } from './page.ts';
import type { Leg } from './timeline.ts';

export type BuildState =
  | 'queued'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'superseded'
  | 'canceled';

/** `reconcile`: GitLab showed the commit without a hook; `request`: a person asked for it. */
export type BuildCause = 'hook' | 'reconcile' | 'request';

/** What resolving the commit found out: all that the later legs need of the manifest. */
export interface BuildPlan extends BuildSpec {
  environments: string[];
  services: ServiceSpec[];
  deploy: DeploySpec;
  jobs: JobSpec[];
  /** Fragments that INCLUDE spliced in, each once. */
  fragments: Fragment[];
  /** Repeats that `INCLUDE --once` left out, which have to be the same files when the build is made exactly again. */
  skipped?: Fragment[];
  /** What the expansion warned of, as people read it. */
  warnings: string[];
}

/** A file that INCLUDE spliced in, with all that it takes to splice the same bytes again. */
export interface Fragment {
  /** The source as it was written first, such as `template:node@20`. */
  source: string;
  /** What it was resolved to: a path of the repository, `template:node@20.1.0`, `project:group/name@sha:path`. */
  file: string;
  /** Of its bytes. */
  sha256: string;
  template?: { name: string; version: string };
  /** Where it lies in another project; `ref` as it was written. */
  project?: { id: number; path: string; ref?: string; sha: string; file: string };
}

export interface Waiting {
  /** In line, from 1; absent while it may not be taken up. */
  position?: number;
  /** Until it begins, as recent builds went. */
  expectedSeconds?: number;
  /** Smaller goes first. */
  priority: number;
  /** Why it is not taken up, as people read it. */
  why?: string;
}

export interface Build {
  id: string;
  project: number;
  /** `group/name`; known once the build is resolved. */
  projectPath?: string;
  /** Full ref, such as `refs/heads/main`. */
  ref: string;
  sha: string;
  cause: BuildCause;
  /** Whose push it was, or who asked for it, as GitLab names them. */
  by?: string;
  /** GitLab's id of the user who caused it: whose push it was, or who asked for it. */
  actor?: number;
  state: BuildState;
  /** Why it ended so, or why it waits, in one sentence. */
  reason?: string;
  /** Build of the same commit that was under way already, and is reported in place of this one. */
  twin?: string;
  /** Build that this one does again. */
  retryOf?: string;
  /** Fragments that INCLUDE has to splice in as they were then, for a rebuild that is exact. */
  pins?: Fragment[];
  /** True when nothing that was made before may be used. */
  noCache?: boolean;
  /** Where it stands in line, as long as it is queued. */
  waiting?: Waiting;
  /** Place in the project's commit order; a deployment never goes back in it. */
  order?: number;
  plan?: BuildPlan;
  /** What the steps of the Dockerfile came to, in the order in which they began. */
  steps?: BuildStep[];
  /** Docker's id of the image that is made and not pushed yet, on the host that made it. */
  made?: string;
  /** Name and digest of the pushed image, `registry/path@sha256:…`. */
  image?: string;
  /** Ids of the deployments that the image went to. */
  deployments: string[];
  legs: Leg[];
  createdAt: number;
}

/** A run of lines that came from one file. */
export interface SourceRun {
  /** Path in the repository, or `template:name@version`. */
  file: string;
  /** First line there, from 1. */
  line: number;
  count: number;
  /** The INCLUDE lines that led there, outermost first. */
  via?: readonly { file: string; line: number }[];
}

/** A line of an expanded Dockerfile that holds the value of an input. */
export interface WrittenLine {
  /** From 1, of the expanded Dockerfile. */
  line: number;
  /** With `$[[ NAME ]]`, as people wrote it. */
  text: string;
}

export interface ExpandedDockerfile {
  bytes: Buffer;
  map: SourceRun[];
  /** In order; by default no line was written otherwise than it came out. */
  written?: WrittenLine[];
}

export const activeBuildStates: readonly BuildState[] = ['queued', 'running'];

/** True while nothing final is known of the build. */
export function isActive(build: Build): boolean {
  return activeBuildStates.includes(build.state);
}

/** Keeps builds. */
export interface BuildStore {
  find(id: string): Promise<Build | undefined>;
  /** Creates the record unless it is there already; answers the one that is kept. */
  create(build: Build): Promise<Build>;
  /** Changes fields of a record; rejects with NotFoundError when there is none. */
  update(id: string, change: Partial<Build>): Promise<Build>;
  /** Moves an active build to running; false when it has ended. */
  start(id: string): Promise<boolean>;
  /**
   * Moves an active build into `state`, once: answers false when it had ended before,
   * so that of two who want to end it only one goes on to report it.
   */
  end(id: string, state: BuildState, reason?: string): Promise<boolean>;
  /** Ids of the builds of all projects that have not ended. */
  active(): Promise<string[]>;
  /** Forgets why a build that is queued waited: from now on it waits for its turn only. */
  forgetReason(id: string): Promise<void>;
  /** Keeps the Dockerfile as INCLUDE expanded it, with the map back to what people wrote. */
  saveDockerfile(id: string, expanded: ExpandedDockerfile): Promise<void>;
  dockerfile(id: string): Promise<ExpandedDockerfile | undefined>;
  /** Builds of a project, newest first; the newest 500 can be listed. */
  list(project: number, paging: Paging): Promise<Page<Build>>;
}

/** Who builds the head of a ref; the newest commit of a ref wins. */
export interface Heads {
  /**
   * Makes `build` the one that builds `sha` as the head of `ref`. Answers the build that held
   * the ref before, if any, and the place of the commit in the project's order; undefined when
   * `after` is given and another build than that one (`` for none) holds the ref. A commit that is
   * the head already keeps its place, unless a person asked for it (`isAsked`).
   */
  claim(claim: {
    project: number;
    ref: string;
    sha: string;
    build: string;
    after?: string;
    isAsked?: boolean;
  }): Promise<{ order: number; previous?: { build: string; sha: string } } | undefined>;
  current(project: number, ref: string): Promise<{ build: string; sha: string } | undefined>;
  release(project: number, ref: string): Promise<void>;
}
