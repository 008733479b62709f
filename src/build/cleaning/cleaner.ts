/** Cleans what this machine reaches: its Docker host, and the registry. */
import type { Docker } from '../../clients/docker.ts';
import type { Registry } from '../../clients/registry.ts';
import type { Cleaned, CleaningReport } from '../../core/cleaning.ts';
import { ConflictError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { cleanBuildCache, cleanHost } from './host.ts';
import { findReleased, imagesOf, type NeededOptions } from './needed.ts';
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
   * One registry is cleaned by one host at a time.
   * @throws where Redis or Marathon does not answer: nothing is taken away on a guess.
   */
  clean(options: { dryRun: boolean }): Promise<CleaningReport>;
}

export function createCleaner(options: CleanerOptions): Cleaner {
  return {
    async clean({ dryRun }) {
      const host = await whereDockerIs(options, () =>
        cleanHost({
          ...options,
          dryRun,
          released: () => findReleased(options),
          neededBy: (project) => imagesOf(options, project),
          before: Date.now() - options.after,
        }),
      );
      const { buildCache: keep, docker } = options;
      const buildCache =
        keep === undefined || host === undefined
          ? undefined
          : await cleanBuildCache(docker, { keep, dryRun });
      const registry = await options
        .exclusively('cleaning', () =>
          cleanRegistry({ ...options, registry: options.registryClient, dryRun }),
        )
        .catch(leaveToOthers);
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

/** What this host did is told all the same. */
function leaveToOthers(error: unknown): Cleaned {
  if (!(error instanceof ConflictError)) throw error;
  return { removed: [], bytes: 0, notes: ['another host cleans it, or has for long'] };
}

/** The rest is like it, or told by `ekiden clean`. */
const notesInLog = 10;

function say(log: Log, { dryRun, host, registry }: CleaningReport): void {
  const images = (host?.removed.length ?? 0) + (registry?.removed.length ?? 0);
  const bytes = (host?.bytes ?? 0) + (registry?.bytes ?? 0);
  if (dryRun) return;
  if (images > 0) log.info({ images, bytes }, 'cleaned');
  const notes = [...(host?.notes ?? []), ...(registry?.notes ?? [])];
  if (notes.length > 0)
    log.warn({ notes: notes.slice(0, notesInLog).join('; ') }, 'not all was cleaned');
}
