/** Checks Marathon, or the embedded engine in its place. */
import { createMarathon } from '../clients/marathon.ts';
import { silent } from '../core/log.ts';
import { type Check, failed, fine, warned } from './check.ts';
import { reasonOf } from './network-errors.ts';

export interface MarathonCheckOptions {
  addresses: string[];
  /** True for the engine that Ekiden starts itself. */
  isEngine: boolean;
}

export function checkMarathon({ addresses, isEngine }: MarathonCheckOptions): Check {
  return {
    name: isEngine ? 'Engine' : 'Marathon',
    async run(signal) {
      const marathon = createMarathon({ addresses, log: silent });
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
          : 'Check MARATHON_URL, and from this machine: curl -sS <MARATHON_URL>/v2/info';
        return failed(`does not answer: ${reasonOf(error)}`, hint);
      } finally {
        signal.removeEventListener('abort', stop);
        await marathon.close().catch(() => undefined);
      }
    },
  };
}
