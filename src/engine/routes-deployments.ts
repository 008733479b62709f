/** Deployments and the queue of instances that wait for their launch. */
import type { Express } from 'express';
import { ApiError } from './api-error.ts';
import { readinessOf } from './app-view.ts';
import type { AppRecord, Cluster, Deployment } from './cluster.ts';
import { planOf } from './deployments.ts';
import { flag, idFrom, param, sendDeployment } from './request.ts';
import type { Api } from './server.ts';

const DELAY = /^\/v2\/queue\/+(.+?)\/+delay\/*$/;

export function addDeploymentRoutes(app: Express, api: Api): void {
  const { cluster, deployments, flush } = api;

  app.get(/^\/v2\/deployments\/*$/, (_request, response) => {
    response.json([...cluster.deployments.values()].map((one) => deploymentView(one, cluster)));
  });

  app.delete(/^\/v2\/deployments\/+([^/]+)\/*$/, async (request, response) => {
    const id = param(request, 0);
    if (flag(request, 'force', false)) {
      deployments.cancel(id);
      await flush();
      response.status(202).end();
      return;
    }
    const result = deployments.rollback(id);
    await flush();
    sendDeployment(response, result);
  });

  app.get(/^\/v2\/queue\/*$/, (_request, response) => {
    const queue = [...cluster.records.values()].flatMap((record) => queueItem(record, api) ?? []);
    response.json({ queue });
  });

  app.delete(DELAY, (request, response) => {
    const id = idFrom(request);
    const record = cluster.records.get(id);
    if (!record || !queueItem(record, api)) {
      throw new ApiError(404, `Application ${id} not found in tasks queue.`);
    }
    api.delays.reset(id);
    api.touch(id);
    response.status(204).end();
  });
}

function deploymentView(deployment: Deployment, cluster: Cluster) {
  const actions = deployment.steps[deployment.currentStep]?.actions ?? [];
  return {
    ...planOf(deployment),
    affectedApps: Object.keys(deployment.targets),
    affectedPods: [],
    currentActions: actions.map((action) => ({
      ...action,
      readinessCheckResults: readinessOf(cluster.record(action.app)),
    })),
    currentStep: deployment.currentStep + 1,
    totalSteps: deployment.steps.length,
  };
}

/** The scheduled instances of an app; undefined when none waits. */
function queueItem({ app, instances }: AppRecord, { delays, launcher }: Api) {
  const waiting = [...instances.values()].filter(({ condition }) => condition === 'Scheduled');
  const [first] = waiting;
  if (!app || !first) return undefined;
  const left = delays.wait(app);
  const reasons = waiting.flatMap((instance) => launcher.waitingFor(instance) ?? []);
  const rejections = [...new Set(reasons)].map((reason) => ({
    reason,
    declined: reasons.filter((one) => one === reason).length,
    processed: waiting.length,
  }));
  return {
    app,
    count: waiting.length,
    role: app.role,
    delay: { timeLeftSeconds: Math.ceil(left / 1000), overdue: left === 0 },
    since: first.scheduledAt,
    processedOffersSummary: {
      processedOffersCount: reasons.length,
      unusedOffersCount: reasons.length,
      rejectSummaryLastOffers: rejections,
      rejectSummaryLaunchAttempt: rejections,
    },
  };
}
