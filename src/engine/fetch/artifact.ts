/** What an app wants fetched into its sandbox, and what is to be done with each file; pure. */
import { basename, posix } from 'node:path';

/** As Marathon's API has it, with every default filled in. */
export interface Artifact {
  uri: string;
  extract: boolean;
  executable: boolean;
  /** Accepted and echoed; each task fetches anew. */
  cache: boolean;
  /** A path in the sandbox; default: the last part of the address. */
  destPath?: string;
}

export type ArtifactInput = { uri: string } & {
  [Key in keyof Omit<Artifact, 'uri'>]?: Artifact[Key] | undefined;
};

/** Marathon's defaults. */
export function artifactOf({ uri, destPath, ...flags }: ArtifactInput): Artifact {
  return {
    uri,
    extract: flags.extract ?? true,
    executable: flags.executable ?? false,
    cache: flags.cache ?? false,
    ...(destPath === undefined ? {} : { destPath }),
  };
}

/** What the deprecated field `uris` means: only names of archives are unpacked. */
export function artifactOfUri(uri: string): Artifact {
  const extract = /\.(tar|tar\.gz|tar\.bz2|tar\.xz|gz|tgz|tbz2|txz|zip)$/.test(uri);
  return artifactOf({ uri, extract });
}

export type Source = { file: string } | { url: URL };

/** Where the artifact lies; undefined for a kind of address that the engine cannot read. */
export function sourceOf(uri: string): Source | undefined {
  if (uri.startsWith('/')) return { file: posix.normalize(uri) };
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  if (url.protocol === 'http:' || url.protocol === 'https:') return { url };
  if (url.protocol !== 'file:') return undefined;
  return { file: posix.normalize(`/${decoded(uri.replace(/^file:\/*/, ''))}`) };
}

/** Where in the sandbox the file goes. */
export function targetOf({ uri, destPath }: Artifact): string {
  if (destPath !== undefined) return posix.normalize(destPath);
  const source = sourceOf(uri);
  if (!source) return '';
  return basename('file' in source ? source.file : decoded(source.url.pathname));
}

/** Says what is wrong with an artifact, with the field's name. */
export function artifactProblem(artifact: Artifact): [field: string, problem: string] | undefined {
  const { uri, destPath } = artifact;
  if (!sourceOf(uri)) return ['uri', 'this engine fetches http, https and file addresses only'];
  if (destPath !== undefined && !isInside(destPath)) {
    return ['destPath', 'must be a relative path without ..'];
  }
  if (!isInside(targetOf(artifact))) return ['uri', 'does not end in a file name; give destPath'];
  return undefined;
}

function isInside(path: string): boolean {
  const parts = path.split('/');
  return path !== '' && path !== '.' && !path.startsWith('/') && !parts.includes('..');
}

export type Packing = { kind: 'tar'; by?: 'bzip2' | 'xz' } | { kind: 'zip' } | { kind: 'gzip' };

/** How a file is unpacked, by its name as Mesos goes by it; undefined for one that stays as it is. */
export function packingOf(name: string): Packing | undefined {
  if (/\.(tar|tgz|tar\.gz)$/.test(name)) return { kind: 'tar' };
  if (/\.(tbz2|tar\.bz2)$/.test(name)) return { kind: 'tar', by: 'bzip2' };
  if (/\.(txz|tar\.xz)$/.test(name)) return { kind: 'tar', by: 'xz' };
  if (name.endsWith('.zip')) return { kind: 'zip' };
  if (name.endsWith('.gz')) return { kind: 'gzip' };
  return undefined;
}

/** True for `folder` itself and what lies below it; both absolute. */
export function isWithinFolder(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** The address without what may be a secret in it: user, password, query. */
export function shownUri(uri: string): string {
  if (!URL.canParse(uri)) return uri;
  const { protocol, host, pathname } = new URL(uri);
  return `${protocol}//${host}${pathname}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
