/** Tasks: those of an app, all of them, and killing them. */
import type { Express, Request, Response } from 'express';
import { ApiError, notFound } from './api-error.ts';
import { absoluteId, instanceIdOf, isWithin, taskIdOf } from './app-id.ts';
import { parseTaskIds } from './app-schema.ts';
import type { Instance } from './cluster.ts';
import { flag, idFrom, param, sendDeployment, texts } from './request.ts';
import type { Api } from './server.ts';
import { servicePortsOf } from './service-ports.ts';
import type { KillMode } from './task-kills.ts';
import { tasksOf, taskView } from './task-view.ts';

const OF_GROUP = /^\/v2\/apps\/+(?:(.+?)\/+)?\*\/+tasks\/*$/;
const OF_APP = /^\/v2\/apps\/+(.+?)\/+tasks\/*$/;
const OF_APP_ONE = /^\/v2\/apps\/+(.+?)\/+tasks\/+([^/]+)\/*$/;
const ALL = /^\/v2\/tasks\/*$/;
const DELETE_SEVERAL = /^\/v2\/tasks\/+delete\/*$/;

export function addTaskRoutes(app: Express, api: Api): void {
  addReads(app, api);
  addKills(app, api);
}

function addReads(app: Express, { cluster, writes, host }: Api): void {
  const view = (instance: Instance) => taskView(instance, host, cluster.definitionOf(instance));

  app.get(ALL, (request, response) => {
    const wanted = [...texts(request, 'status'), ...texts(request, 'status[]')];
    const instances = [...cluster.records.values()].flatMap(tasksOf).filter(inStatus(wanted));
    const tasks = instances.map((instance) => {
      const definition = cluster.definitionOf(instance);
      return { ...view(instance), servicePorts: definition ? servicePortsOf(definition) : [] };
    });
    response.json({ tasks });
  });

  app.get(OF_GROUP, (request, response) => {
    const group = absoluteId(param(request, 0));
    const records = [...cluster.records.values()].filter(({ id }) => isWithin(id, group));
    response.json({ tasks: records.flatMap(tasksOf).map(view) });
  });

  app.get(OF_APP, (request, response) => {
    const { id } = writes.existing(idFrom(request));
    response.json({ tasks: tasksOf(cluster.record(id)).map(view) });
  });
}

/** `running` and `staging`; nothing asked for means all. */
function inStatus(wanted: string[]): (instance: Instance) => boolean {
  if (wanted.length === 0) return () => true;
  const running = wanted.includes('running');
  const staging = wanted.includes('staging');
  return ({ condition }) =>
    (running && condition === 'Running') || (staging && condition === 'Staging');
}

function addKills(app: Express, api: Api): void {
  const { cluster, writes, killTasks, host, flush } = api;
  const view = (instance: Instance) => taskView(instance, host, cluster.definitionOf(instance));

  /** Kills, and answers with the deployment or else with what `body` makes of the killed ones. */
  async function kill(
    { request, response }: { request: Request; response: Response },
    instances: Instance[],
    body: (views: ReturnType<typeof view>[]) => object,
  ): Promise<void> {
    const views = instances.map(view);
    const result = killTasks(instances, modeOf(request));
    await flush();
    if (result) sendDeployment(response, result);
    else response.json(body(views));
  }

  app.delete(OF_APP, async (request, response) => {
    const { id } = writes.existing(idFrom(request));
    const [onHost = '*'] = texts(request, 'host');
    const here = onHost === '*' || onHost === host;
    const instances = here ? tasksOf(cluster.record(id)) : [];
    await kill({ request, response }, instances, (tasks) => ({ tasks }));
  });

  app.delete(OF_APP_ONE, async (request, response) => {
    const { id } = writes.existing(idFrom(request));
    const taskId = param(request, 1);
    const instance = cluster.findTask(taskId);
    if (instance?.appId !== id) throw notFound('Task', taskId);
    await kill({ request, response }, [instance], ([task]) => ({ task }));
  });

  app.post(DELETE_SEVERAL, async (request, response) => {
    const instances = parseTaskIds(request.body).flatMap((taskId) => {
      if (instanceIdOf(taskId) === undefined) throw badTaskId(taskId);
      return cluster.findTask(taskId) ?? [];
    });
    await kill({ request, response }, [...new Set(instances)], (tasks) => ({ tasks }));
  });
}

function modeOf(request: Request): KillMode {
  return {
    scale: flag(request, 'scale', false),
    wipe: flag(request, 'wipe', false),
    force: flag(request, 'force', false),
  };
}

function badTaskId(taskId: string): ApiError {
  const example = taskIdOf({ id: 'app.instance-uuid', incarnation: 1 });
  return new ApiError(400, `Invalid task id '${taskId}'. [It must look like ${example}]`);
}
