/** Says what Marathon's launch queue waits for: the pause after failures, or a node with room. */
import type { MarathonQueueItem } from '../../clients/marathon.ts';

/** Seconds until the next try, where Marathon pauses after failures; undefined where it does not. */
export function pauseOf(queued: MarathonQueueItem | undefined): number | undefined {
  const { timeLeftSeconds = 0, overdue = true } = queued?.delay ?? {};
  return !overdue && timeLeftSeconds > 0 ? timeLeftSeconds : undefined;
}

/** Why no node takes it, in one sentence; undefined where no node has declined it. */
export function whyDeclined(queued: MarathonQueueItem | undefined): string | undefined {
  if (!queued || queued.count === 0) return undefined;
  const reasons = reasonsOf(queued);
  if (reasons.length === 0) return undefined;
  const waiting = queued.count === 1 ? '' : `, and ${queued.count} instances wait`;
  const [first = '', ...others] = reasons.map((reason) => lackOf(reason, queued));
  return `no node ${[first, ...others].join(', and none ')}${waiting}`;
}

/** Those of the last offers; where Marathon tells of none, those since it began to wait. */
function reasonsOf({ processedOffersSummary: summary }: MarathonQueueItem): string[] {
  if (!summary) return [];
  const declinedIn = (list: typeof summary.rejectSummaryLastOffers) =>
    list.filter(({ declined }) => declined > 0).flatMap(({ reason }) => namedBy(reason));
  const last = declinedIn(summary.rejectSummaryLastOffers);
  if (last.length > 0) return last;
  const wasTaken = (summary.lastUsedOfferAt ?? '') > (summary.lastUnusedOfferAt ?? '');
  return wasTaken ? [] : declinedIn(summary.rejectSummaryLaunchAttempt);
}

/** Of an image that cannot be had the task's end names the cause, which says more than that of the engine's queue. */
function namedBy(reason: string): string[] {
  return reason === 'ImageUnavailable' ? [] : [reason];
}

/** What no node has, as it goes on behind `no node`. */
function lackOf(reason: string, queued: MarathonQueueItem): string {
  const { app } = queued;
  switch (reason) {
    case 'InsufficientCpus':
      return room(`${amount(app.cpus)} processors`, most(queued, 'cpus'));
    case 'InsufficientMemory':
      return room(`${amount(app.mem)} MiB of memory`, most(queued, 'mem'), ' MiB');
    case 'InsufficientDisk':
      return room(`${amount(app.disk)} MiB on its disk`, most(queued, 'disk'), ' MiB');
    case 'InsufficientGpus':
      return room(`${amount(app.gpus)} GPUs`, most(queued, 'gpus'));
    case 'InsufficientPorts':
      return 'has the ports free that it asks for';
    case 'UnfulfilledConstraint':
      return `meets its constraint ${constraintsOf(app.constraints)}`;
    case 'UnfulfilledRole':
      return `offers for its role ${(app.acceptedResourceRoles ?? []).join(', ')}`.trimEnd();
    case 'NoCorrespondingReservationFound':
      return 'holds the reservation that it needs';
    case 'AgentMaintenance':
      return 'is free of maintenance';
    case 'DeclinedScarceResources':
      return 'gives its scarce resources, such as GPUs, to what needs none';
    case 'DockerUnavailable':
      return 'has a Docker that answers';
    default:
      return `can take it (${reason})`;
  }
}

function room(needed: string, free: number | undefined, unit = ''): string {
  const most = free === undefined ? '' : ` (the most that one has is ${amount(free)}${unit})`;
  return `has ${needed} free${most}`;
}

/** Of what the last declined offers brought. */
function most({ lastUnusedOffers }: MarathonQueueItem, name: string): number | undefined {
  const free = lastUnusedOffers.flatMap(({ offer }) =>
    offer.resources.filter((each) => each.name === name).map(({ scalar }) => scalar ?? 0),
  );
  return free.length === 0 ? undefined : Math.max(...free);
}

/** As the manifest has them: `hostname LIKE gpu-.*`. */
function constraintsOf(constraints: string[][]): string {
  return constraints.map((parts) => parts.join(' ')).join(' and ');
}

function amount(value: number | undefined): string {
  return value === undefined ? 'enough' : String(Math.round(value * 1_000) / 1_000);
}
