/** The launch queue as the API shows it: apps with instances that wait for their launch, and why. */

import type { Context } from '../context.ts';
import { firstOf, funnel, type OfferRecord } from '../launch/offers.ts';
import type { AppRecord } from '../state/cluster.ts';
import { AGENT_ID } from '../tasks/lifecycle.ts';

type QueueContext = Pick<Context, 'delays' | 'offers' | 'node'>;

/** Undefined when nothing of the app waits. */
export function queueItem(
  { app, instances }: AppRecord,
  { delays, offers, node }: QueueContext,
  withOffers: boolean,
) {
  const waiting = [...instances.values()].filter(({ condition }) => condition === 'Scheduled');
  const [first] = waiting;
  if (!app || !first) return undefined;
  const left = delays.wait(app);
  const record = offers.of(app.id);
  return {
    count: waiting.length,
    role: app.role,
    delay: { timeLeftSeconds: Math.ceil(left / 1000), overdue: left === 0 },
    since: first.scheduledAt,
    processedOffersSummary: summaryOf(record),
    ...(withOffers ? { lastUnusedOffers: unusedOffers(record, node) } : {}),
    app,
  };
}

function summaryOf({ processed, unused, lastUnusedAt, lastUsedAt, declined, last }: OfferRecord) {
  const lastReason = firstOf(last?.reasons ?? []);
  return {
    processedOffersCount: processed,
    unusedOffersCount: unused,
    ...(lastUnusedAt ? { lastUnusedOfferAt: lastUnusedAt } : {}),
    ...(lastUsedAt ? { lastUsedOfferAt: lastUsedAt } : {}),
    rejectSummaryLastOffers: funnel(last ? 1 : 0, lastReason ? { [lastReason]: 1 } : {}),
    rejectSummaryLaunchAttempt: funnel(processed, declined),
  };
}

/** The last offer of each agent, of which there is one. */
function unusedOffers({ last }: OfferRecord, { host, attributes }: Context['node']) {
  if (!last) return [];
  const resources = Object.entries(last.offered).map(([name, scalar]) => ({
    name,
    role: '*',
    scalar,
    ranges: [],
    set: [],
  }));
  const offer = {
    id: `${AGENT_ID}-${Date.parse(last.at)}`,
    agentId: AGENT_ID,
    hostname: host,
    resources,
    attributes: [...attributes].map(([name, text]) => ({ name, text, ranges: [], set: [] })),
  };
  return [{ offer, reason: last.reasons, timestamp: last.at }];
}
