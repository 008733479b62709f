/** Cleans what this machine reaches: its Docker host, and the registry. */
import type { Docker } from '../../clients/docker.ts';
import type { Registry } from '../../clients/registry.ts';
import type { CleaningReport } from '../../core/cleaning.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { cleanBuildCache, cleanHost } from './host.ts';
import { findReleased, type Needed, type NeededOptions, projectImages } from './needed.ts';
import { cleanRegistry } from './registry.ts';

export interface CleanerOptions extends NeededOptions {
  docker: Docker;
  registryClient: Registry;
  /** `host:port[/prefix]`. */
  registry: string;
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** Bytes that BuildKit's cache may have; absent: it is left alone. */
  buildCache?: number | undefined;
  log: Log;
}

export interface Cleaner {
  /**
   * @throws where Redis, Marathon or the registry does not answer: nothing is taken away on a guess.
   * One registry is cleaned by one host at a time.
   */
  clean(options: { dryRun: boolean }): Promise<CleaningReport>;
}

export function createCleaner(options: CleanerOptions): Cleaner {
  return {
    async clean({ dryRun }) {
      const released = await findReleased(options);
      const host = await whereDockerIs(options, async () =>
        cleanHost({
          ...options,
          dryRun,
          needed: await neededHere(options, released),
          before: Date.now() - options.after,
        }),
      );
      const { buildCache: keep, docker } = options;
      const buildCache =
        keep === undefined || host === undefined
          ? undefined
          : await cleanBuildCache(docker, { keep, dryRun });
      const registry = await options.exclusively('cleaning', () =>
        cleanRegistry({ ...options, registry: options.registryClient, released, dryRun }),
      );
      const report = { dryRun, registry, ...(host ? { host } : {}) };
      say(options.log, report);
      return buildCache === undefined ? report : { ...report, buildCache };
    },
  };
}

/** A machine without builds may have no Docker; the registry is cleaned from there all the same. */
async function whereDockerIs<T>({ docker, log }: CleanerOptions, work: () => Promise<T>) {
  try {
    await docker.ping();
  } catch (error) {
    log.debug({ error: messageOf(error) }, 'no Docker to clean here');
    return undefined;
  }
  return work();
}

async function neededHere(options: CleanerOptions, released: Set<string>): Promise<Needed> {
  const needed: Needed = { digests: new Set(released), ids: new Set(), tags: new Set() };
  for await (const { digests, ids, tags } of projectImages(options)) {
    for (const digest of digests) needed.digests.add(digest);
    for (const id of ids) needed.ids.add(id);
    for (const tag of tags) needed.tags.add(tag);
  }
  return needed;
}

function say(log: Log, { dryRun, host, registry }: CleaningReport): void {
  const images = (host?.removed.length ?? 0) + (registry?.removed.length ?? 0);
  const bytes = (host?.bytes ?? 0) + (registry?.bytes ?? 0);
  if (!dryRun && images > 0) log.info({ images, bytes }, 'cleaned');
}
