/** Puts together what people look at and ask for. */
import { createBuildRequests } from './build/requests.ts';
import type { HandOn } from './core/event.ts';
import { createOperations } from './deploy/operations/operations.ts';
import { createSwitches } from './deploy/operations/switches.ts';
import { createServices } from './deploy/services/services.ts';
import type { Diagnosing } from './failures.ts';
import type { Jobs } from './jobs.ts';
import { type Parts, urlMaker } from './parts.ts';
import { createRebuilding, createReleaseHistory } from './releases.ts';

type RequestParts = Parts & { jobs: Jobs } & Pick<Diagnosing, 'explainer'>;

export function createRequests(parts: RequestParts, handOn: HandOn) {
  const { config, log, stores, gitlab, dataCentres, jobs } = parts;
  const { install, maxInstances } = config;
  const { exclusively } = stores.locks;
  const services = createServices({
    ...stores,
    dataCentres,
    install,
    routed: stores.balancers.routed,
    urlOf: urlMaker(config),
    factsOf: parts.explainer.factsOf,
  });
  const buildRequests = createBuildRequests({
    gitlab,
    builds: stores.builds,
    heads: stores.heads,
    handOn,
    arrivals: stores.queues.arrivals,
    cancel: stores.cancellations.publish,
  });
  const rebuilding = createRebuilding(parts);
  const operations = createOperations({
    ...stores,
    ensureNumbered: rebuilding.ensureNumbered,
    dataCentres,
    install,
    maxInstances,
    isFree: stores.balancers.isFree,
    services,
    exclusively,
    handOn,
    log,
    cancelBuilds: buildRequests.cancelAll,
    endJobs: jobs.endAll,
  });
  const switches = createSwitches({ ...stores, exclusively, handOn, log });
  const releaseHistory = createReleaseHistory(parts);
  return { services, buildRequests, operations, switches, releaseHistory };
}
