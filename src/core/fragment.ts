/** Who uses which fragment: what INCLUDE spliced into the last good build of each branch and tag. */
import type { Build, Fragment } from './build.ts';
import type { Page, Paging } from './page.ts';

/** A fragment that a build took, under the name by which it is asked for. */
export interface TakenFragment {
  /** `tomcat` for a template; as listedFile names it for a file of another project. */
  name: string;
  /** As it was written, such as `template:tomcat@9`. */
  source: string;
  /** Of a template; the commit of a file of another project. */
  version: string;
  sha256: string;
}

/** What the last successful build of a ref took. */
export interface FragmentUse {
  project: number;
  /** `group/name` at the time of the build. */
  projectPath: string;
  /** Full ref, such as `refs/heads/main`. */
  ref: string;
  sha: string;
  environments: string[];
  build: string;
  /** Place in the project's commit order. */
  order: number;
  /** When the build had succeeded, in milliseconds since the epoch. */
  at: number;
  fragments: TakenFragment[];
}

/** Keeps the use of each ref, and which refs use a fragment. */
export interface FragmentUses {
  /** Takes the place of what the ref used before, unless that is of a newer commit. */
  note(use: FragmentUse): Promise<void>;
  /** Forgets the ref, or all of the project. */
  forget(project: number, ref?: string): Promise<void>;
  /** The refs that use a fragment, those with the latest builds first. */
  list(name: string, paging: Paging): Promise<Page<FragmentUse>>;
  /** How many refs, of how many projects, use a fragment. */
  count(name: string): Promise<FragmentCount>;
}

export interface FragmentCount {
  refs: number;
  projects: number;
}

/** A version of a template, with what its keeper says of it. */
export interface FragmentVersion {
  version: string;
  /** Why one should leave it. */
  deprecated?: string;
  /** Why it can no longer be included. */
  withdrawn?: string;
}

/** A template of the platform. */
export interface FragmentDetail {
  name: string;
  /** Newest first. */
  versions: FragmentVersion[];
  /** Why nothing is said of its versions, and no build can take any. */
  problem?: string;
  count: FragmentCount;
}

/** A use of one fragment; several, where a Dockerfile includes several versions of it. */
export interface FragmentUser extends Omit<FragmentUse, 'fragments' | 'order'> {
  taken: TakenFragment[];
}

/** What administrators ask about fragments. */
export interface Fragments {
  /** All templates, by name. */
  list(): Promise<FragmentDetail[]>;
  find(name: string): Promise<FragmentDetail | undefined>;
  /** The Markdown text that tells how a template is used. */
  readme(name: string): Promise<string | undefined>;
  count(name: string): Promise<FragmentCount>;
  /**
   * Who uses it. With `version`, also one that is not there yet, only those whose next build would move to it: a page
   * may then be short of its limit although more follow.
   */
  users(name: string, wanted: Paging & { version?: string }): Promise<Page<FragmentUser>>;
}

/** The use that a successful build is; fragments of its own repository are of no interest to others. */
export function useOf(build: Build, at: number): FragmentUse {
  const { id, project, projectPath = String(project), ref, sha, order = 0, plan } = build;
  const fragments = (plan?.fragments ?? []).flatMap((fragment) => takenOf(fragment) ?? []);
  const environments = plan?.environments ?? [];
  return { project, projectPath, ref, sha, environments, build: id, order, at, fragments };
}

/** Undefined for a file of the repository itself. */
export function takenOf(fragment: Fragment): TakenFragment | undefined {
  const { source, sha256 } = fragment;
  const template = fragment.template ?? templateIn(fragment.file);
  if (template) return { name: template.name, source, version: template.version, sha256 };
  const { project } = fragment;
  if (!project) return undefined;
  return { name: listedFile(project), source, version: project.sha, sha256 };
}

/** The name under which the users of a file are kept: by its project's id, which outlives renames. */
export function listedFile({ id, file }: { id: number; file: string }): string {
  return `project:${id}:${file}`;
}

/** Records of older builds tell the template by the name of its file alone. */
function templateIn(file: string): Fragment['template'] {
  const [, name, version] = /^template:([^@]+)@(.+)$/.exec(file) ?? [];
  return name !== undefined && version !== undefined ? { name, version } : undefined;
}
