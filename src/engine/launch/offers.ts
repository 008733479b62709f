/** Whether the node is an offer that an app can take, and the record of all that were declined; as Marathon's launch queue counts them. */
import type { App } from '../apps/app-definition.ts';
import { allows } from './constraints.ts';
import { available, type Node, type Resources } from './node.ts';

/** In Marathon's order: an offer counts for the first reason that it is declined for. */
const REASONS = [
  'UnfulfilledRole',
  'UnfulfilledConstraint',
  'NoCorrespondingReservationFound',
  'AgentMaintenance',
  'InsufficientCpus',
  'InsufficientMemory',
  'InsufficientDisk',
  'InsufficientGpus',
  'InsufficientPorts',
  'DeclinedScarceResources',
] as const;

/** What Marathon has no name for comes after its own, and only where it happened: see docs/decisions/0036. */
const OWN_REASONS = ['DockerUnavailable', 'ImageUnavailable'] as const;

export type Reason = (typeof REASONS)[number] | (typeof OWN_REASONS)[number];

/** The one that an offer counts for. */
export function firstOf(reasons: Reason[]): Reason | undefined {
  return [...REASONS, ...OWN_REASONS].find((reason) => reasons.includes(reason));
}

/** What the node offers at a time; ports are claimed one by one and decline on their own. */
export interface Offer {
  node: Node;
  used: Resources;
  /** Instances of the same configuration that are on the node already. */
  placed: number;
}

/** All reasons to decline the offer, none when the instance fits. */
export function mismatches(app: App, { node, used, placed }: Offer): Reason[] {
  const left = available(node, used);
  const found: Reason[] = [];
  // The node's resources are reserved for nobody.
  if (app.acceptedResourceRoles && !app.acceptedResourceRoles.includes('*')) {
    found.push('UnfulfilledRole');
  }
  if (!allows(app.constraints ?? [], { ...node, placed })) found.push('UnfulfilledConstraint');
  if (isMore(app.cpus, left.cpus)) found.push('InsufficientCpus');
  if (isMore(app.mem, left.mem)) found.push('InsufficientMemory');
  if (isMore(app.disk, left.disk)) found.push('InsufficientDisk');
  if (isMore(app.gpus, left.gpus)) found.push('InsufficientGpus');
  return found;
}

/** Sums of decimal fractions are a little off. */
function isMore(asked: number, left: number): boolean {
  return asked > left + 1e-6;
}

/** One app's offers since it began to wait. Times are timestamps. */
export interface OfferRecord {
  processed: number;
  unused: number;
  lastUsedAt?: string;
  lastUnusedAt?: string;
  /** How often each reason was the first. */
  declined: Partial<Record<Reason, number>>;
  /** The last declined offer, until one is taken. */
  last?: { reasons: Reason[]; offered: Resources; at: string };
}

export type OfferBook = ReturnType<typeof createOfferBook>;

/** Kept in memory only, as in Marathon. */
export function createOfferBook() {
  const records = new Map<string, OfferRecord>();
  const of = (appId: string): OfferRecord =>
    records.get(appId) ?? { processed: 0, unused: 0, declined: {} };

  return {
    of,

    taken: (appId: string): void => {
      const { last: _, ...record } = of(appId);
      records.set(appId, {
        ...record,
        processed: record.processed + 1,
        lastUsedAt: new Date().toISOString(),
      });
    },

    declined: (appId: string, reasons: Reason[], offered: Resources): void => {
      const record = of(appId);
      const at = new Date().toISOString();
      const first = firstOf(reasons);
      records.set(appId, {
        ...record,
        processed: record.processed + 1,
        unused: record.unused + 1,
        lastUnusedAt: at,
        declined: first
          ? { ...record.declined, [first]: (record.declined[first] ?? 0) + 1 }
          : record.declined,
        last: { reasons, offered, at },
      });
    },

    /** Nothing of the app waits any more. */
    forget: (appId: string): void => {
      records.delete(appId);
    },
  };
}

/** The offers that reach each reason, and those that it declines: a funnel, from the first to the last. */
export function funnel(processed: number, declined: OfferRecord['declined']) {
  let left = processed;
  const own = OWN_REASONS.filter((reason) => declined[reason]);
  return [...REASONS, ...own].map((reason) => {
    const step = { reason, declined: declined[reason] ?? 0, processed: left };
    left -= step.declined;
    return step;
  });
}
