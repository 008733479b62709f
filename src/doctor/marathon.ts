/** Checks Marathon, or the embedded engine in its place. */
import { createMarathon, type MarathonOptions } from '../clients/marathon.ts';
import { RemoteError } from '../core/errors.ts';
import { silent } from '../core/log.ts';
import { type Check, failed, fine, warned } from './check.ts';
import { reasonOf } from './network-errors.ts';

export interface MarathonCheckOptions extends Omit<MarathonOptions, 'log'> {
  /** Of the data centre, where there are several. */
  dataCentre?: string;
  /** True for the engine that Ekiden starts itself. */
  isEngine: boolean;
}

export function checkMarathon({ isEngine, dataCentre, ...options }: MarathonCheckOptions): Check {
  return {
    name: isEngine ? 'Engine' : `Marathon${dataCentre ? ` ${dataCentre}` : ''}`,
    async run(signal) {
      const marathon = createMarathon({ ...options, log: silent });
      const stop = () => void marathon.close().catch(() => undefined);
      signal.addEventListener('abort', stop, { once: true });
      try {
        const { version, leader } = await marathon.info();
        if (isEngine) return fine(`runs, speaks as Marathon ${version}`);
        if (leader) return fine(`${version}, leader ${leader}`);
        return warned(
          `${version}, and no leader is elected`,
          'Look at ZooKeeper and the log of Marathon.',
        );
      } catch (error) {
        const hint = isEngine
          ? 'Look at log/engine.log in the data folder.'
          : (hintIn(error) ??
            'Check MARATHON_URL or EKIDEN_DATA_CENTRES, and from this machine: curl -sS <address>/v2/info');
        return failed(`does not answer: ${reasonOf(error)}`, hint);
      } finally {
        signal.removeEventListener('abort', stop);
        await marathon.close().catch(() => undefined);
      }
    },
  };
}

/** What is told of a certificate or of a login that is refused says more than the address. */
function hintIn(error: unknown): string | undefined {
  const isTelling =
    error instanceof RemoteError && !/^Check (?!the user)/.test(error.hint ?? 'Check ');
  return isTelling ? error.hint : undefined;
}
