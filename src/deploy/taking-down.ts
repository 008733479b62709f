/** Deletes an app in every data centre; where one is away, once it is back. */
import type { DataCentre, DataCentres } from '../clients/data-centres.ts';
import type { Deployment } from '../core/deployment.ts';
import { messageOf, RemoteError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { PendingRemoval, PendingRemovals } from '../core/removal.ts';
import { otherAppOf } from '../core/traffic.ts';
import { type Leads, leaderOf } from './leader.ts';

export interface TakingDownOptions {
  dataCentres: Pick<DataCentres, 'list' | 'find' | 'defaults'>;
  removals: PendingRemovals;
  deployments: Leads;
  locks: { exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T> };
  log: Log;
}

/**
 * Deletes both apps that a service may have. What could not be reached is noted for `finishRemovals`.
 * @throws the error of the first where none could be reached.
 */
export async function takeDown(
  { dataCentres, removals, log }: TakingDownOptions,
  app: string,
): Promise<void> {
  const failures: { dataCentre: string; error: unknown }[] = [];
  const all = dataCentres.list();
  for (const each of all) {
    try {
      await deleteIn(each, app);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      failures.push({ dataCentre: each.name, error });
    }
  }
  if (failures.length === all.length && failures[0]) throw failures[0].error;
  for (const { dataCentre, error } of failures) {
    await removals.note({ app, dataCentre });
    const fields = { app, dataCentre, error: messageOf(error) };
    log.warn(fields, 'an app goes from a data centre only once that answers again');
  }
}

async function deleteIn({ marathon }: DataCentre, app: string): Promise<void> {
  const other = otherAppOf(app);
  if (await marathon.app(other)) await marathon.deleteApp(other, { force: true });
  await marathon.deleteApp(app, { force: true });
}

/** Deletes what was noted, where the data centre is back and the app was not deployed there again. */
export async function finishRemovals(options: TakingDownOptions): Promise<void> {
  const { dataCentres, removals, log } = options;
  const known = new Map(dataCentres.list().map((each) => [each.name, each]));
  const answers = new Map<string, boolean>();
  for (const removal of await removals.list()) {
    const { app, dataCentre } = removal;
    const there = known.get(dataCentre);
    if (there && !answers.has(dataCentre)) answers.set(dataCentre, await there.marathon.ping());
    if (there && !answers.get(dataCentre)) continue;
    try {
      await finish(options, removal, there);
    } catch (error) {
      log.warn({ app, dataCentre, error: messageOf(error) }, 'a removal still waits');
    }
  }
}

async function finish(
  options: TakingDownOptions,
  removal: PendingRemoval,
  there: DataCentre | undefined,
): Promise<void> {
  const { app, dataCentre } = removal;
  await options.locks.exclusively(app, async () => {
    const isOver = !there || (await isWantedAgain(options, removal));
    if (!isOver) await deleteIn(there, app);
    await options.removals.forget(removal);
    options.log.info({ app, dataCentre, deleted: !isOver }, 'a removal that waited is done');
  });
}

async function isWantedAgain(
  { deployments, dataCentres }: TakingDownOptions,
  { app, dataCentre }: PendingRemoval,
): Promise<boolean> {
  const deployment = await leaderOf(deployments, app);
  return deployment !== undefined && goesTo(deployment, dataCentres).includes(dataCentre);
}

function goesTo({ service }: Deployment, { defaults }: Pick<DataCentres, 'defaults'>) {
  return service.dataCentres ?? defaults();
}
