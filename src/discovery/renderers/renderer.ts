/** What the two ways of telling nginx about upstreams have in common. */
import { createHash } from 'node:crypto';
import type { Upstream } from '../../core/upstream.ts';
import type { Templates } from './templates.ts';

/** Text files by their path below nginx's prefix. */
export type Files = Record<string, string>;

/** What a configuration says apart from upstreams. */
export interface Frame {
  /** `host:port` of the server for users. */
  listen: string;
  /** Absolute path of the unix socket that Ekiden speaks to. */
  control: string;
  /** Told by the health check, so that no stranger is taken for this nginx. */
  token: string;
  /** User of the workers; empty where nginx was not started by root. */
  user: string;
  /** Modules to load, by absolute path. */
  modules: string[];
  /** Folder for buffered bodies; empty for the one that nginx was built with. */
  temporary: string;
}

/** The running nginx, as a renderer may use it. */
export interface NginxHost {
  /** Rejects with nginx's own words when it does not accept the running files with these changes. */
  check(changes: Files): Promise<void>;
  /** Replaces a file at once as a whole. */
  write(file: string, text: string): Promise<void>;
  /** Resolves when only workers with the present files take requests. */
  reload(): Promise<void>;
  /** Sends the text by PUT to the control socket, waiting for an nginx that is starting. */
  put(path: string, text: string): Promise<void>;
}

export interface NginxRenderer {
  /** All files that nginx needs to start with these upstreams. */
  files(upstreams: Upstream[]): Promise<Files>;
  /** Brings the upstreams into the running nginx; when it rejects, the old ones are still served. */
  apply(upstreams: Upstream[], host: NginxHost): Promise<void>;
}

/** The file that remembers the upstreams last applied. */
export const stateFile = 'state.json';

/** Sixteen hex digits that stand for this list. */
export function revisionOf(upstreams: Upstream[]): string {
  return createHash('sha256').update(JSON.stringify(upstreams)).digest('hex').slice(0, 16);
}

export function stateText(upstreams: Upstream[]): string {
  return JSON.stringify({ revision: revisionOf(upstreams), upstreams });
}

/** The main file, with the part of `mode` in it. */
export async function mainFile(templates: Templates, mode: string, frame: Frame): Promise<string> {
  const [page404, page503] = await Promise.all([
    templates.read('404.html'),
    templates.read('503.html'),
  ]);
  return templates.render('nginx.conf', { ...frame, mode_file: `${mode}.conf`, page404, page503 });
}
