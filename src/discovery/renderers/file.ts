/** File mode, for an nginx without Lua: a rendered file, checked before it is taken over by a reload. */
import { createHash } from 'node:crypto';
import type { Member, Upstream } from '../../core/upstream.ts';
import {
  type Frame,
  mainFile,
  type NginxRenderer,
  revisionOf,
  stateFile,
  stateText,
} from './renderer.ts';
import type { Templates } from './templates.ts';
import { withWholeWeights } from './whole-weights.ts';

const upstreamsFile = 'upstreams.conf';

export function createFile(templates: Templates, frame: Frame): NginxRenderer {
  const render = (upstreams: Upstream[]) =>
    templates.render(upstreamsFile, toFileData(upstreams, revisionOf(upstreams)));
  return {
    files: async (upstreams) => ({
      'nginx.conf': await mainFile(templates, 'file', frame),
      [upstreamsFile]: await render(upstreams),
      [stateFile]: stateText(upstreams),
    }),
    apply: async (upstreams, host) => {
      const text = await render(upstreams);
      await host.check({ [upstreamsFile]: text });
      await host.write(upstreamsFile, text);
      await host.write(stateFile, stateText(upstreams));
      await host.reload();
    },
  };
}

/** What the template of upstreams.conf is given. */
export interface FileData {
  revision: string;
  /** Routes that take a whole host. */
  hosts: { host: string; upstream: string }[];
  /** Routes below a path, longest first; `pattern` is a regular expression over host and path. */
  paths: { pattern: string; upstream: string }[];
  upstreams: { name: string; app: string; members: Member[] }[];
}

/** `upstream` is `-` for an app that nothing of can answer. */
export function toFileData(upstreams: Upstream[], revision: string): FileData {
  const data: FileData = { revision, hosts: [], paths: [], upstreams: [] };
  const paths: { path: string; pattern: string; upstream: string }[] = [];
  for (const { app, routes, members } of upstreams) {
    // As text of nginx a weight is a whole number, and 1 at least.
    const taking = withWholeWeights(members.filter(({ weight }) => weight > 0)).map(toPlain);
    const name = taking.length === 0 ? '-' : nameOf(app);
    if (taking.length > 0) data.upstreams.push({ name, app: plain(app), members: taking });
    for (const { host, path } of routes) {
      if (path === '/') data.hosts.push({ host, upstream: name });
      else paths.push({ path, pattern: escapeRegex(host + path), upstream: name });
    }
  }
  paths.sort((a, b) => b.path.length - a.path.length);
  data.paths = paths.map(({ pattern, upstream }) => ({ pattern, upstream }));
  return data;
}

function toPlain(member: Member): Member {
  return { ...member, instance: plain(member.instance) };
}

/** Only for a comment, which must not end before its line does. */
function plain(id: string): string {
  return id.replace(/[^\w./-]/g, '?');
}

function nameOf(app: string): string {
  return `app_${createHash('sha256').update(app).digest('hex').slice(0, 16)}`;
}

function escapeRegex(text: string): string {
  return text.replace(/[.]/g, '\\.');
}
