/** What the log says of a context, and what explains that Docker missed something in it. */
import { posix } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { GitLab } from '../../clients/gitlab.ts';
import type { Build, BuildPlan, ExpandedDockerfile } from '../../core/build.ts';
import { EkidenError } from '../../core/errors.ts';
import {
  instructionText,
  missingCopySources,
  parseDockerfile,
  renderDiagnostic,
} from '../dockerfile/index.ts';
import { StepError } from '../image/step-error.ts';
import type { Findings } from './findings.ts';
import type { Ignores } from './ignore.ts';

export interface NotesOptions {
  gitlab: Pick<GitLab, 'file' | 'tree'>;
  build: Pick<Build, 'project' | 'sha'>;
  plan: Pick<BuildPlan, 'context'>;
  dockerfile: ExpandedDockerfile;
  /** What COPY and ADD name plainly, from the context's root. */
  named: readonly string[];
  ignoreFile: string | undefined;
  ignores: Ignores | undefined;
  /** Milliseconds for all questions to GitLab together, by default five seconds. */
  patience?: number;
  signal: AbortSignal;
}

export interface Notes {
  /** Lines for the log. */
  of(findings: Findings): Promise<string>;
  /** `error`, with the reason where Docker missed what a note is about. */
  explain(error: unknown): unknown;
}

/** More lines of a kind than these help nobody. */
const lineLimit = 20;

/** Enough to hide the latency of GitLab, and few enough not to burden it. */
const parallelQuestions = 8;

export function createNotes(options: NotesOptions): Notes {
  const { dockerfile, named } = options;
  /** By the path that COPY names. */
  const reasons = new Map<string, string>();
  return {
    async of(findings) {
      const missing = named.filter((path) => !findings.has(path)).slice(0, lineLimit);
      const asking = startAsking(options);
      const [submodules, ...answers] = await Promise.all([
        submoduleLines(options, asking, findings),
        ...missing.map((path) => reasonFor({ ...options, asking, findings }, path)),
      ]).finally(asking.end);
      for (const [index, path] of missing.entries()) {
        const reason = answers[index];
        if (reason !== undefined) reasons.set(path, reason);
      }
      const lines = [
        ...submodules,
        ...pointerLines(findings),
        ...[...reasons].map(([path, reason]) => `missing in the build context: ${path}: ${reason}`),
        ...missingCopySources(dockerfile, findings.has).map(renderDiagnostic),
      ];
      return lines.map((line) => `${line}\n`).join('');
    },
    explain(error) {
      if (!(error instanceof StepError)) return error;
      // BuildKit names a folder of its own, so the instruction tells better what was looked for.
      const said = `${error.message} ${copyAt(dockerfile.bytes, error.line)}`;
      const [, reason] = [...reasons].find(([path]) => said.includes(path)) ?? [];
      if (reason === undefined) return error;
      const { code, line } = error;
      return new StepError(`${error.message} (${reason})`, { code, line });
    },
  };
}

/** The words of the COPY or ADD at a line; empty for another instruction. */
function copyAt(dockerfile: Buffer, line: number | undefined): string {
  const parsed = parseDockerfile(dockerfile);
  const found = parsed.instructions.find(
    ({ startLine, endLine }) => line !== undefined && startLine <= line && line <= endLine,
  );
  if (found?.keyword !== 'COPY' && found?.keyword !== 'ADD') return '';
  return instructionText(parsed, found);
}

type Asking = ReturnType<typeof startAsking>;

/** Asks side by side. What is not answered in time is undefined: Docker waits for the end of the context meanwhile. */
function startAsking({ gitlab, build, patience = 5_000, signal }: NotesOptions) {
  const { project, sha } = build;
  const limit = pLimit(parallelQuestions);
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const late = setTimeout(patience, undefined, { signal: either }).catch(() => undefined);
  const ask = <T>(question: () => Promise<T>) =>
    Promise.race([limit(question).catch(unknown), late]);
  return {
    file: (path: string) => ask(() => gitlab.file(project, path, sha)),
    tree: (path: string) => ask(() => gitlab.tree(project, { sha, ...(path ? { path } : {}) })),
    end() {
      over.abort();
      limit.clearQueue();
    },
  };
}

interface Explaining extends NotesOptions {
  asking: Asking;
  findings: Findings;
}

/** Why a path is not in the context, although the commit has it; undefined where it does not. */
async function reasonFor(options: Explaining, path: string): Promise<string | undefined> {
  const { plan, ignores, ignoreFile, asking, findings } = options;
  const link = findings.links.find(
    (other) => other.path === path || path.startsWith(`${other.path}/`),
  );
  if (link) return `${link.path} is a link to ${link.target}, which is outside`;
  if (ignores?.(path)) return `${ignoreFile} leaves it out`;
  const whole = posix.join(plan.context, path);
  if (!(await isInCommit(asking, whole))) return undefined;
  return ".gitattributes keeps it out of GitLab's archives (export-ignore)";
}

async function isInCommit(asking: Asking, path: string): Promise<boolean> {
  const folder = posix.dirname(path);
  const listed = await asking.tree(folder === '.' ? '' : folder);
  return listed?.some(({ name }) => name === posix.basename(path)) ?? false;
}

async function submoduleLines(
  { plan }: NotesOptions,
  asking: Asking,
  { emptyFolders }: Findings,
): Promise<string[]> {
  if (emptyFolders.length === 0) return [];
  const bytes = await asking.file('.gitmodules');
  const lines = bytes?.toString().split('\n') ?? [];
  const paths = new Set(lines.map(submodulePath));
  return emptyFolders
    .map((folder) => posix.join(plan.context, folder))
    .filter((path) => paths.has(path))
    .slice(0, lineLimit)
    .map((path) => `left out: submodule ${path} (git submodules are not in GitLab's archives)`);
}

/** Read by the line, and with no wildcard at an end: the file may be made to keep a search busy for hours. */
function submodulePath(line: string): string | undefined {
  const [, path] = /^path\s*=(.*)$/.exec(line.trim()) ?? [];
  return path?.trim().replace(/^"|"$/g, '');
}

function pointerLines({ pointers }: Findings): string[] {
  const lines = pointers.names.map(
    (name) => `LFS content of ${name} is missing: GitLab's archive holds its pointer alone`,
  );
  const more = pointers.count - pointers.names.length;
  return more > 0 ? [...lines, `LFS content of ${more} more files is missing`] : lines;
}

/** A note is not worth a build: without an answer there is none. */
function unknown(error: unknown): undefined {
  if (error instanceof EkidenError) return undefined;
  throw error;
}
