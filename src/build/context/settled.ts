/** Makes sure of what a Dockerfile can see: no link leads elsewhere, and no base image adds to it. */
import { posix } from 'node:path';
import type { GitLab } from '../../clients/gitlab.ts';
import { isSymlink, type TreeEntry } from '../../clients/gitlab-repository.ts';
import type { Registry } from '../../clients/registry.ts';
import { identifyBases } from '../reuse/bases.ts';
import { type DockerHostOptions, describeDocker } from '../reuse/docker-host.ts';
import { foldersAbove } from './folders.ts';
import type { Visible } from './visible.ts';

export interface SettleOptions extends DockerHostOptions {
  visible: Visible;
  gitlab: Pick<GitLab, 'tree'>;
  registry: Pick<Registry, 'manifest' | 'config'>;
  project: number;
  sha: string;
  /** Folder of the context, `` for the repository's root. */
  folder: string;
}

export interface Settled {
  visible: Visible;
  /** The folder of the repository that holds all of it. */
  path: string;
}

/** Each folder costs GitLab a question; beyond these it is better asked for all. */
const folderLimit = 8;

/** The same, or everything where that cannot be told. */
export async function settleVisible(options: SettleOptions): Promise<Settled> {
  const { visible, folder } = options;
  const everything: Settled = { visible: { all: true }, path: folder };
  if (visible.all) return everything;
  try {
    if (!(await areBasesPlain(options, visible))) return everything;
    const entries = await walkAll(options, visible);
    if (entries === undefined) return everything;
    return { visible, path: posix.join(folder, commonFolder(entries)).replace(/^\.$/, '') };
  } catch {
    // It would only save work; who does not answer says so when the build needs it.
    return everything;
  }
}

type Some = Exclude<Visible, { all: true }>;

async function areBasesPlain(options: SettleOptions, { bases, args }: Some): Promise<boolean> {
  if (bases.length === 0) return true;
  const host = await describeDocker(options);
  const found = await identifyBases({ ...options, host }, bases);
  return Object.values(found).every(
    ({ onBuild, env }) => onBuild.length === 0 && !env.some((name) => args.includes(name)),
  );
}

/** What git has under each path; undefined where a link is on the way, or it takes too many questions. */
async function walkAll(options: SettleOptions, { paths, wildcards }: Some) {
  const needed = new Set([...paths.flatMap(foldersAbove), ...wildcards]);
  if (needed.size > folderLimit) return undefined;
  const lists = new Map<string, TreeEntry[]>();
  await Promise.all(
    [...needed].map(async (path) => void lists.set(path, await listFolder(options, path))),
  );
  const find = (path: string) =>
    lists.get(folderOf(path))?.find(({ name }) => name === posix.basename(path));
  const passed = paths.flatMap((path) => [...foldersAbove(path).slice(1), path]);
  const onTheWay = passed.flatMap((path) => find(path) ?? []);
  const picked = wildcards.flatMap((path) => lists.get(path) ?? []);
  if ([...onTheWay, ...picked].some(isSymlink)) return undefined;
  return new Map(paths.map((path) => [path, find(path)]));
}

async function listFolder({ gitlab, project, sha, folder }: SettleOptions, path: string) {
  const whole = posix.join(folder, path);
  const found = await gitlab.tree(project, { sha, ...(whole === '.' ? {} : { path: whole }) });
  return found ?? [];
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === '.' ? '' : folder;
}

/** The deepest folder that holds all that is there. */
function commonFolder(entries: ReadonlyMap<string, TreeEntry | undefined>): string {
  const folders = [...entries].flatMap(([path, entry]) => {
    if (entry === undefined) return [];
    return [entry.type === 'tree' ? path.split('/') : path.split('/').slice(0, -1)];
  });
  const [first = [], ...others] = folders;
  const differs = first.findIndex((name, at) => others.some((other) => other[at] !== name));
  return first.slice(0, differs === -1 ? undefined : differs).join('/');
}
