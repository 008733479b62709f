/** Decides which instances a deployment step starts and kills next; pure, asked again after every change. */
import type { App } from '../apps/app-definition.ts';

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
    kill: ids(byCost(members, app.killSelection).slice(0, Math.max(0, surplus))),
    done: surplus === 0 && dying === 0 && started.every(({ healthy }) => healthy),
  };
}

/**
 * Replaces outdated instances within `minimumHealthCapacity` and `maximumOverCapacity`.
 * It keeps no memory, so it goes on from any mixed state: a forced deployment, a restart of the
 * engine, instances that died meanwhile. The sums are those of Marathon's TaskReplaceActor; what is
 * killed takes its room until it is dead.
 */
export function decideRestart({ app, members, dying }: Situation): Decision {
  const wanted = app.instances;
  const old = members.filter(({ outdated }) => outdated);
  const fresh = members.filter(({ outdated }) => !outdated);
  const freshHealthy = fresh.filter(({ healthy }) => healthy).length;
  const healthy = freshHealthy + old.filter((member) => member.healthy).length;

  const { minHealthy, maxCapacity } = bounds(app, healthy);
  const spare = Math.max(0, healthy - minHealthy);
  const replaced = old.length - Math.max(0, wanted - freshHealthy);
  const room = maxCapacity - old.length - dying - fresh.length;
  const missing = Math.max(0, wanted - fresh.length);
  const start = Math.max(0, Math.min(missing, room));
  const stuck = start === 0 && dying === 0 && fresh.length === freshHealthy;
  const toKill = Math.max(spare, replaced, idle(old), stuck ? Math.min(sick(old), missing) : 0);
  const surplus = Math.max(0, fresh.length - wanted);
  return {
    start,
    kill: ids([
      ...bySickness(byCost(old, app.killSelection)).slice(0, toKill),
      ...bySickness(byCost(fresh, app.killSelection)).slice(0, surplus),
    ]),
    done: old.length === 0 && dying === 0 && fresh.length === wanted && freshHealthy === wanted,
  };
}

/** How many have to be healthy, and how many there may be. */
function bounds({ instances, upgradeStrategy }: Situation['app'], healthy: number) {
  const minHealthy = Math.ceil(instances * upgradeStrategy.minimumHealthCapacity);
  const maxCapacity = Math.floor(instances * (1 + upgradeStrategy.maximumOverCapacity));
  // Without room above or below nothing could ever move, so one instance more is allowed.
  const isTight = minHealthy === maxCapacity && maxCapacity <= healthy;
  return { minHealthy, maxCapacity: maxCapacity + (isTight ? 1 : 0) };
}

/** Instances that have no task: nothing ends with them, and what they wait for may never come. */
function idle(members: Member[]): number {
  return members.filter(({ condition }) => condition === 'Scheduled').length;
}

/** Their end takes nothing from the capacity, so they make room where nothing else can move. */
function sick(members: Member[]): number {
  return members.filter(({ healthy }) => !healthy).length;
}

const CONDITIONS = ['Scheduled', 'Staging', 'Running'];

/** Those first that do not run yet, then by age: Marathon's order when an app is made smaller. */
function byCost(members: Member[], selection: App['killSelection']): Member[] {
  const age = selection === 'YOUNGEST_FIRST' ? -1 : 1;
  return members.toSorted(
    (a, b) =>
      CONDITIONS.indexOf(a.condition) - CONDITIONS.indexOf(b.condition) ||
      age * (a.since - b.since),
  );
}

/** Those first that are not healthy, in the order that they have otherwise. */
function bySickness(members: Member[]): Member[] {
  return members.toSorted((a, b) => Number(a.healthy) - Number(b.healthy));
}

function ids(members: Member[]): string[] {
  return members.map(({ id }) => id);
}
