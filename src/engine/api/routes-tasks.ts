/** Tasks: those of an app, all of them, and killing them. */
import type { Express, Request, RequestHandler, Response } from 'express';
import { isWithin, taskIdOf } from '../apps/app-id.ts';
import { parseTaskIds } from '../apps/app-schema.ts';
import { servicePortsOf } from '../apps/service-ports.ts';
import type { Instance } from '../state/cluster.ts';
import type { KillMode } from '../tasks/task-kills.ts';
import { ApiError, notFound } from './api-error.ts';
import { flag, idFrom, jsonOf, param, sendDeployment, texts } from './request.ts';
import { addRoute } from './route.ts';
import type { Api } from './server.ts';
import { tasksOf, taskView } from './task-view.ts';

const OF_GROUP = /^\/v2\/apps\/+(?:(.+?)\/+)?\*\/+tasks\/*$/;
const OF_APP = /^\/v2\/apps\/+(.+?)\/+tasks\/*$/;
const OF_APP_ONE = /^\/v2\/apps\/+(.+?)\/+tasks\/+([^/]+)\/*$/;
const ALL = /^\/v2\/tasks\/*$/;
const DELETE_SEVERAL = /^\/v2\/tasks\/+delete\/*$/;

/** Also ids of older Marathons are ids, though no task has one. */
const LIKE_AN_ID = /^.+[._][^._]+$/;

export function addTaskRoutes(app: Express, api: Api): void {
  const { all, ofGroup, ofApp } = reads(api);
  const kills = killers(api);
  addRoute(app, ALL, { get: all });
  addRoute(app, DELETE_SEVERAL, { post: kills.several });
  addRoute(app, OF_GROUP, { get: ofGroup });
  addRoute(app, OF_APP, { get: ofApp, delete: kills.ofApp });
  addRoute(app, OF_APP_ONE, { delete: kills.one });
}

function reads({ cluster, writes, groupWrites, host }: Api) {
  const view = (instance: Instance) => taskView(instance, host, cluster.definitionOf(instance));

  const all: RequestHandler = (request, response) => {
    const wanted = [...texts(request, 'status'), ...texts(request, 'status[]')];
    const instances = [...cluster.records.values()].flatMap(tasksOf).filter(inStatus(wanted));
    const tasks = instances.map((instance) => {
      const definition = cluster.definitionOf(instance);
      return { ...view(instance), servicePorts: definition ? servicePortsOf(definition) : [] };
    });
    response.json({ tasks });
  };

  const ofGroup: RequestHandler = (request, response) => {
    const { id: group } = groupWrites.existing(idFrom(request));
    const records = [...cluster.records.values()].filter(({ id }) => isWithin(id, group));
    response.json({ tasks: records.flatMap(tasksOf).map(view) });
  };

  const ofApp: RequestHandler = (request, response) => {
    const { id } = writes.existing(idFrom(request));
    response.json({ tasks: tasksOf(cluster.record(id)).map(view) });
  };

  return { all, ofGroup, ofApp };
}

/** `running` and `staging`; all where none of these is asked for. */
function inStatus(wanted: string[]): (instance: Instance) => boolean {
  const running = wanted.includes('running');
  const staging = wanted.includes('staging');
  if (!running && !staging) return () => true;
  return ({ condition }) =>
    (running && condition === 'Running') || (staging && condition === 'Staging');
}

function killers({ cluster, writes, killTasks, host, flush }: Api) {
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

  const ofApp: RequestHandler = async (request, response) => {
    const { id } = writes.existing(idFrom(request));
    const [onHost = '*'] = texts(request, 'host');
    const here = onHost === '*' || onHost === host;
    const instances = here ? tasksOf(cluster.record(id)) : [];
    await kill({ request, response }, instances, (tasks) => ({ tasks }));
  };

  const one: RequestHandler = async (request, response) => {
    const { id } = writes.existing(idFrom(request));
    const taskId = param(request, 1);
    const instance = cluster.findTask(taskId);
    if (instance?.appId !== id) throw notFound('Task', taskId);
    await kill({ request, response }, [instance], ([task]) => ({ task }));
  };

  const several: RequestHandler = async (request, response) => {
    const instances = parseTaskIds(jsonOf(request)).flatMap((taskId) => {
      if (!LIKE_AN_ID.test(taskId)) throw badTaskId(taskId);
      return cluster.findTask(taskId) ?? [];
    });
    await kill({ request, response }, [...new Set(instances)], (tasks) => ({ tasks }));
  };

  return { ofApp, one, several };
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
