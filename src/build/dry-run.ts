/** Shows what a build would make of a Dockerfile, also of one that is not committed yet; nothing is kept. */
import type { GitLab } from '../clients/gitlab.ts';
import type { Project } from '../core/access.ts';
import type { Fragment } from '../core/build.ts';
import { NotFoundError } from '../core/errors.ts';
import {
  type ContentView,
  type DiagnosticView,
  viewOfContent,
  viewOfDiagnostic,
} from './dockerfile/index.ts';
import { type ExpandCommit, fragmentsOf } from './expansion.ts';
import { includeVariables } from './include-variables.ts';
import { manifestFile, parseManifest } from './manifest.ts';
import { type Actor, createRefs, type FoundRef } from './sources/index.ts';

export interface DryRunOptions {
  gitlab: Pick<GitLab, 'project' | 'head' | 'commit' | 'file'>;
  expand: ExpandCommit;
}

export interface DryRunRequest {
  project: number;
  /** Branch, tag or sha; default: the default branch. */
  ref?: string | undefined;
  /** Of the Dockerfile; default: what the manifest says. */
  path?: string | undefined;
  /** The text of the Dockerfile as an editor has it; default: that of the commit. */
  content?: string | undefined;
  /** Whoever asks, who may not read by it what they may not read. */
  actor: Actor;
}

/** What comes of it. */
export interface DryExpansion extends ContentView {
  sha: string;
  warnings: DiagnosticView[];
  fragments: Fragment[];
}

export interface DryRun {
  /** @throws IncludeError, NotFoundError (E_REF), InputError */
  expand(request: DryRunRequest): Promise<DryExpansion>;
}

export function createDryRun({ gitlab, expand }: DryRunOptions): DryRun {
  return {
    async expand({ project: id, ref, path, content, actor }) {
      const project = await gitlab.project(id);
      const found = await createRefs(gitlab)(project, ref);
      if (!found) throw noSuchRef(ref);
      const manifest = parseManifest(await gitlab.file(id, manifestFile, found.sha));
      const expansion = await expand({
        project,
        sha: found.sha,
        actor,
        build: { ...manifest.build, ...(path === undefined ? {} : { dockerfile: path }) },
        variables: includeVariables(buildOf(found, project), project.path),
        ...(content === undefined ? {} : { content: Buffer.from(content) }),
      });
      return {
        ...viewOfContent(expansion),
        sha: found.sha,
        warnings: expansion.warnings.map(viewOfDiagnostic),
        fragments: fragmentsOf(expansion),
      };
    },
  };
}

/** The build that a push would set off; a commit alone is taken for one of the default branch. */
function buildOf({ sha, ref }: FoundRef, { defaultBranch }: Project) {
  return { sha, ref: ref ?? `refs/heads/${defaultBranch}`, cause: 'hook' as const };
}

function noSuchRef(ref: string | undefined): NotFoundError {
  const what = ref === undefined ? 'commit yet' : `branch, tag or commit ${ref}`;
  return new NotFoundError(`There is no ${what}.`, {
    code: 'E_REF',
    hint: 'Name a branch or tag as GitLab shows it, or a commit by its sha.',
  });
}
