/** Decides which instances a deployment step starts and kills next; pure, asked again after every change. */
import type { App } from './app-definition.ts';

/** An instance that is not being killed. */
export interface Member {
  id: string;
  /** Made from a configuration before the wanted one. */
  outdated: boolean;
  /** Made for the very version that the deployment brings. */
  latest: boolean;
  /** Healthy by its checks, or running where there are none; and ready. */
  healthy: boolean;
  condition: 'Scheduled' | 'Staging' | 'Running';
  /** Milliseconds since the epoch; decides who is the youngest. */
  since: number;
}

export interface Situation {
  app: Pick<App, 'instances' | 'killSelection' | 'upgradeStrategy'>;
  members: Member[];
  /** Instances that are on their way out. */
  dying: number;
}

export interface Decision {
  start: number;
  kill: string[];
  done: boolean;
}

/** Brings the number of instances to the wanted one, whatever their version. */
export function decideScale({ app, members, dying }: Situation): Decision {
  const surplus = members.length - app.instances;
  const started = members.filter(({ latest }) => latest);
  return {
    start: Math.max(0, -surplus),
    kill: ids(victims(members, app.killSelection).slice(0, Math.max(0, surplus))),
    done: surplus === 0 && dying === 0 && started.every(({ healthy }) => healthy),
  };
}

/**
 * Replaces outdated instances within `minimumHealthCapacity` and `maximumOverCapacity`.
 * It keeps no memory, so it goes on from any mixed state: a forced deployment, a restart of the
 * engine, instances that died meanwhile. The sums are those of Marathon's TaskReplaceActor.
 */
export function decideRestart({ app, members, dying }: Situation): Decision {
  const wanted = app.instances;
  const old = members.filter(({ outdated }) => outdated);
  const fresh = members.filter(({ outdated }) => !outdated);
  const freshHealthy = fresh.filter(({ healthy }) => healthy).length;
  const healthy = freshHealthy + old.filter((member) => member.healthy).length;

  const minHealthy = Math.ceil(wanted * app.upgradeStrategy.minimumHealthCapacity);
  let maxCapacity = Math.floor(wanted * (1 + app.upgradeStrategy.maximumOverCapacity));
  // Without room above or below nothing could ever move, so one instance more is allowed.
  if (minHealthy === maxCapacity && maxCapacity <= members.length) maxCapacity += 1;

  const spare = Math.max(0, healthy - minHealthy);
  const replaced = old.length - Math.max(0, wanted - freshHealthy);
  const toKill = Math.min(old.length, Math.max(spare, replaced));
  const surplus = Math.max(0, fresh.length - wanted);
  const room = maxCapacity - (old.length - toKill) - fresh.length;
  return {
    start: Math.max(0, Math.min(wanted - fresh.length, room)),
    kill: ids([
      ...victims(old, app.killSelection).slice(0, toKill),
      ...victims(fresh, app.killSelection).slice(0, surplus),
    ]),
    done: old.length === 0 && dying === 0 && fresh.length === wanted && freshHealthy === wanted,
  };
}

const CONDITIONS = ['Scheduled', 'Staging', 'Running'];

/** Those first whose loss costs least: not yet running, then unhealthy, then by age. */
function victims(members: Member[], selection: App['killSelection']): Member[] {
  const age = selection === 'YOUNGEST_FIRST' ? -1 : 1;
  return members.toSorted(
    (a, b) =>
      CONDITIONS.indexOf(a.condition) - CONDITIONS.indexOf(b.condition) ||
      Number(a.healthy) - Number(b.healthy) ||
      age * (a.since - b.since),
  );
}

function ids(members: Member[]): string[] {
  return members.map(({ id }) => id);
}
