/** Deployments and the queue of instances that wait for their launch. */
import type { Express } from 'express';
import { planOf } from '../deployments/deployments.ts';
import type { Cluster, Deployment } from '../state/cluster.ts';
import { ApiError } from './api-error.ts';
import { readinessOf } from './app-view.ts';
import { queueItem } from './queue-view.ts';
import { flag, idFrom, param, sendDeployment, texts } from './request.ts';
import { addRoute } from './route.ts';
import type { Api } from './server.ts';

const ALL = /^\/v2\/deployments\/*$/;
const ONE = /^\/v2\/deployments\/+([^/]+)\/*$/;
const QUEUE = /^\/v2\/queue\/*$/;
const DELAY = /^\/v2\/queue\/+(.+?)\/+delay\/*$/;

export function addDeploymentRoutes(app: Express, api: Api): void {
  const { cluster, deployments, flush } = api;
  addRoute(app, ALL, {
    get: (_request, response) => {
      response.json([...cluster.deployments.values()].map((one) => deploymentView(one, cluster)));
    },
  });
  addRoute(app, ONE, {
    delete: async (request, response) => {
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
    },
  });
  addQueueRoutes(app, api);
}

function addQueueRoutes(app: Express, api: Api): void {
  const { cluster, delays, touch } = api;
  addRoute(app, QUEUE, {
    get: (request, response) => {
      const withOffers = texts(request, 'embed').includes('lastUnusedOffers');
      const records = [...cluster.records.values()];
      response.json({ queue: records.flatMap((one) => queueItem(one, api, withOffers) ?? []) });
    },
  });
  addRoute(app, DELAY, {
    delete: (request, response) => {
      const id = idFrom(request);
      const record = cluster.records.get(id);
      if (!record || !queueItem(record, api, false)) {
        throw new ApiError(404, `Application ${id} not found in tasks queue.`);
      }
      delays.reset(id);
      touch(id);
      response.status(204).end();
    },
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
      readinessCheckResults: readinessOf(cluster, cluster.record(action.app)),
    })),
    currentStep: deployment.currentStep + 1,
    totalSteps: deployment.steps.length,
  };
}
