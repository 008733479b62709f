/** Builds commits of a rig as the role build does, and shows what the registry has of them. */

import type { BuilderOptions } from '../../../src/build/builder.ts';
import { createBuilder } from '../../../src/build/builder.ts';
import type { BuildLogs } from '../../../src/build/log/build-log.ts';
import { createRegistry } from '../../../src/clients/registry.ts';
import { maskersOf } from '../../../src/core/secret.ts';
import type { FileContent } from '../../stand-ins/gitlab/gitlab.ts';
import type { BuildHost } from '../registry.ts';
import type { Rig } from '../rig.ts';

/** What a build is made with instead of the usual. */
interface Change extends Partial<BuilderOptions> {
  signal?: AbortSignal;
}

interface Asked extends Change {
  branch?: string;
  noCache?: boolean;
}

export function createBuilding(buildHost: BuildHost, rig: Rig) {
  const registryClient = createRegistry();
  const texts = new Map<string, string>();
  const logs: BuildLogs = {
    note: async () => undefined,
    open: (build) => ({
      write: (text) => void texts.set(build, (texts.get(build) ?? '') + text),
      hide: () => undefined,
      masked: (text) => text,
      masker: maskersOf([]),
      room: async () => undefined,
      close: async () => undefined,
    }),
  };
  const repository = { host: buildHost.registry, path: rig.path };
  let count = 0;

  async function buildOf(id: string, { signal = neverAborted(), ...change }: Change = {}) {
    const builder = createBuilder({
      ...{ ...rig.stores, logs, registryClient, gitlab: rig.client, docker: buildHost.docker },
      exclusively: rig.stores.locks.exclusively,
      registry: buildHost.registry,
      args: {},
      install: buildHost.install,
      timeout: 60,
      ...change,
    });
    const attempt = { signal, first: true, last: true };
    const events = await builder.build(id, async () => undefined, attempt);
    const record = await rig.stores.builds.find(id);
    return {
      events,
      record,
      log: texts.get(id) ?? '',
      legs: (record?.legs ?? []).map(({ name }) => name),
    };
  }

  return {
    registryClient,
    repository,
    buildOf,
    /** Resolves the head of a branch; answers the id of its build. */
    async resolve(sha: string, branch = 'main'): Promise<string> {
      const id = `b${++count}`;
      await rig.resolve(rig.push(id, sha, { ref: `refs/heads/${branch}` }));
      return id;
    },
    /** Commits and builds. */
    async build(
      files: Record<string, FileContent>,
      { branch = 'main', noCache, ...change }: Asked = {},
    ) {
      const sha = await rig.commit(files, 'change', branch);
      const id = await this.resolve(sha, branch);
      if (noCache) await rig.stores.builds.update(id, { noCache });
      return { sha, ...(await buildOf(id, change)) };
    },
    digest: (tag: string) => registryClient.digest(repository, tag),
    async fingerprints() {
      const tags = (await registryClient.tags(repository)) ?? [];
      return tags.filter((tag) => tag.startsWith('fp-'));
    },
  };
}

const neverAborted = () => new AbortController().signal;
