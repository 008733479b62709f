/** Ties cleaning to the settings, and makes it at once where the disk is full. */
import { type Cleaner, createCleaner } from './build/cleaning/cleaner.ts';
import { messageOf } from './core/errors.ts';
import { markGarbage } from './embedded/registry-garbage.ts';
import type { Parts } from './parts.ts';
import { createRebuilding } from './releases.ts';

export interface Cleaning extends Cleaner {
  /** Cleans in the background, unless that was done a moment ago. */
  cleanSoon(): void;
}

const hour = 3_600_000;

/** Milliseconds after which a disk that is still full is worth another look. */
const pause = 600_000;

export function createCleaning(parts: Parts): Cleaning {
  const { config, stores, log, ...clients } = parts;
  const { rebuild } = createRebuilding(parts);
  const { install, cleanKeep: keep, cleanAfter, buildCache } = config;
  const cleaner = createCleaner({
    ...stores,
    releases: {
      // A Redis that is new would know no release that one can go back to.
      images: async () => {
        await rebuild();
        return stores.releases.images();
      },
    },
    docker: clients.docker,
    dataCentres: clients.dataCentres,
    registryClient: clients.registry,
    log,
    install,
    keep,
    registry: config.registryUrl,
    exclusively: stores.locks.exclusively,
    after: cleanAfter * hour,
    buildCache: buildCache === undefined ? undefined : buildCache * 1024 ** 2,
  });
  const clean: Cleaner['clean'] = async (wanted) => {
    const report = await cleaner.clean(wanted);
    const isLess = !report.dryRun && (report.registry?.removed.length ?? 0) > 0;
    if (isLess) await markGarbage(config.data);
    return report;
  };
  let last = Number.NEGATIVE_INFINITY;

  return {
    clean,
    cleanSoon() {
      if (performance.now() - last < pause) return;
      last = performance.now();
      clean({ dryRun: false }).catch((error: unknown) => {
        log.warn({ error: messageOf(error) }, 'cannot clean');
      });
    },
  };
}
