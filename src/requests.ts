/** Puts together what people look at and ask for. */
import { createBuildRequests } from './build/requests.ts';
import type { HandOn } from './core/event.ts';
import { createOperations } from './deploy/operations.ts';
import { createServices } from './deploy/services.ts';
import { type Parts, urlMaker } from './parts.ts';

export function createRequests({ config, log, stores, gitlab, marathon }: Parts, handOn: HandOn) {
  const { install, maxInstances } = config;
  const { exclusively } = stores.locks;
  const services = createServices({
    ...stores,
    marathon,
    install,
    routed: stores.balancers.routed,
    urlOf: urlMaker(config),
  });
  const buildRequests = createBuildRequests({
    gitlab,
    builds: stores.builds,
    heads: stores.heads,
    handOn,
    arrivals: stores.queues.arrivals,
    cancel: stores.cancellations.publish,
  });
  const operations = createOperations({
    ...stores,
    marathon,
    install,
    maxInstances,
    services,
    exclusively,
    handOn,
    log,
    cancelBuilds: buildRequests.cancelAll,
  });
  return { services, buildRequests, operations };
}
