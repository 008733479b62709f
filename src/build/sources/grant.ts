/** Decides what of another project a build may include: Ekiden's own token reads more than its actor may. */
import { levels, type Project } from '../../core/access.ts';
import { fitsGlob } from '../glob.ts';

/** On whose behalf files are read. */
export interface Actor {
  /** GitLab's id. */
  user: number;
  /** True for who may see what GitLab shows to all its users: neither blocked nor external. */
  isInsider(): Promise<boolean>;
  /** Access level in a project, 0 for none. */
  level(project: number): Promise<number>;
  /** As people know them, for errors. */
  name(): Promise<string>;
}

/** What a project allows others to include, as its manifest says. */
export interface IncludeRule {
  /** Globs of the paths of projects. */
  allow: string[];
  /** Globs of the paths of files. */
  paths: string[];
}

/** True for the paths that may be read. */
export type Grant = (path: string) => boolean;

export interface GrantOptions {
  target: Pick<Project, 'id' | 'readers'>;
  /** The project that is built. */
  includer: { id: number; path: string };
  /** Undefined for a build that nobody is known to have caused. */
  actor: Actor | undefined;
  /** Asked for only when nothing else lets the includer in. */
  rule(): Promise<IncludeRule | undefined>;
}

const all: Grant = () => true;
const nothing: Grant = () => false;

/**
 * Code may be included by its own project, by those who may read it anyway, and by whom its project allows it.
 * Whoever lets a project in by a rule lets in all that a rule names, and no more.
 */
export async function grantOf(options: GrantOptions): Promise<Grant> {
  const { target, includer, actor } = options;
  if (target.id === includer.id || target.readers === 'everyone') return all;
  if (actor && target.readers === 'users' && (await actor.isInsider())) return all;
  if (actor && (await actor.level(target.id)) >= levels.reporter) return all;
  const rule = await options.rule();
  // GitLab compares paths of projects without case, and git those of files with it.
  const isAllowed = rule?.allow.some((glob) =>
    fitsPath(glob.toLowerCase(), includer.path.toLowerCase()),
  );
  if (!rule || !isAllowed) return nothing;
  return (path) => rule.paths.some((glob) => fitsPath(glob, path));
}

/** `*` stands for a part of a name, and `**` alone between slashes for any number of names. */
export function fitsPath(glob: string, path: string): boolean {
  return fitsNames(glob.split('/'), path.split('/'));
}

function fitsNames(globs: string[], names: string[]): boolean {
  // Greedy with one way back, as for names: a later ** can do all that an earlier one could.
  let [glob, name, back, from] = [0, 0, -1, 0];
  while (name < names.length) {
    if (globs[glob] === '**') {
      back = glob++;
      from = name;
    } else if (glob < globs.length && fitsGlob(globs[glob] ?? '', names[name] ?? '')) {
      glob++;
      name++;
    } else if (back >= 0) {
      glob = back + 1;
      name = ++from;
    } else return false;
  }
  return globs.slice(glob).every((rest) => rest === '**');
}
