/** `/v2/apps`: reading and writing apps. */
import type { Express, Request, Response } from 'express';
import { ApiError, notFound } from './api-error.ts';
import type { App } from './app-definition.ts';
import { absoluteId, isWithin } from './app-id.ts';
import { type AppInput, parseApp, parseApps } from './app-schema.ts';
import { appView, type Embed, parseEmbeds } from './app-view.ts';
import { findVersion, type Origin, type WriteMode } from './app-writes.ts';
import type { AppRecord } from './cluster.ts';
import { flag, idFrom, param, sendDeployment, texts } from './request.ts';
import { parseSelector } from './selectors.ts';
import type { Api } from './server.ts';

const ALL = /^\/v2\/apps\/*$/;
const ONE = /^\/v2\/apps\/+(.+?)\/*$/;
const BELOW_GROUP = /^\/v2\/apps\/+(?:(.+?)\/+)?\*$/;
const RESTART = /^\/v2\/apps\/+(.+?)\/+restart\/*$/;
const VERSIONS = /^\/v2\/apps\/+(.+?)\/+versions\/*$/;
const VERSION = /^\/v2\/apps\/+(.+?)\/+versions\/+([^/]+)\/*$/;

const EVERYTHING = new Set<Embed>(['tasks', 'lastTaskFailure', 'readiness']);

export function addAppRoutes(app: Express, api: Api): void {
  addReads(app, api);
  addOneRead(app, api);
  addUpdates(app, api);
  addCreationAndEnd(app, api);
}

function addReads(app: Express, { cluster, writes, host }: Api): void {
  const current = (): AppRecord[] => [...cluster.records.values()].filter((record) => record.app);

  app.get(ALL, (request, response) => {
    const embeds = parseEmbeds(texts(request, 'embed'));
    const matches = filterOf(request);
    const records = current().filter((record) => record.app && matches(record.app));
    response.json({ apps: records.map((record) => appView(cluster, record, embeds, host)) });
  });

  app.get(BELOW_GROUP, (request, response) => {
    const group = absoluteId(param(request, 0));
    const embeds = parseEmbeds(texts(request, 'embed'));
    const records = current().filter(({ id }) => id !== group && isWithin(id, group));
    response.json({ '*': records.map((record) => appView(cluster, record, embeds, host)) });
  });

  app.get(VERSIONS, (request, response) => {
    const { id } = writes.existing(idFrom(request));
    const versions = cluster.record(id).versions.map(({ version }) => version);
    response.json({ versions: versions.toReversed() });
  });

  app.get(VERSION, (request, response) => {
    const { id } = writes.existing(idFrom(request));
    response.json(findVersion(id, cluster.record(id).versions, param(request, 1)));
  });
}

/** Comes after all paths that end in a word of the API. */
function addOneRead(app: Express, { cluster, host }: Api): void {
  app.get(ONE, (request, response) => {
    const id = idFrom(request);
    const record = cluster.records.get(id);
    if (!record?.app) throw notFound('App', id);
    response.json({ app: appView(cluster, record, EVERYTHING, host) });
  });
}

/** The queries `cmd`, `id` (parts of the text, in any case) and `label`. */
function filterOf(request: Request): (app: App) => boolean {
  const [cmd] = texts(request, 'cmd');
  const [id] = texts(request, 'id');
  const selectors = texts(request, 'label').map(parseSelector);
  return (app) =>
    (cmd === undefined || holds(app.cmd ?? '', cmd)) &&
    (id === undefined || holds(app.id, id)) &&
    selectors.every((matches) => matches(app.labels));
}

function holds(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}

function originOf(request: Request): Origin {
  return { clientIp: request.socket.remoteAddress ?? '', uri: request.path };
}

function addUpdates(app: Express, { cluster, writes, flush }: Api): void {
  async function update(request: Request, response: Response, create: boolean): Promise<void> {
    const id = idFrom(request);
    const existed = cluster.records.get(id)?.app !== undefined;
    const mode = modeOf(request, create);
    const result = writes.update(new Map([[id, parseApp(request.body)]]), mode, originOf(request));
    await flush();
    sendDeployment(response, result, existed ? 200 : 201);
  }

  async function updateMany(request: Request, response: Response, create: boolean) {
    const mode = modeOf(request, create);
    const result = writes.update(byId(parseApps(request.body)), mode);
    await flush();
    sendDeployment(response, result);
  }

  app.put(ALL, (request, response) => updateMany(request, response, true));
  app.patch(ALL, (request, response) => updateMany(request, response, false));
  app.put(ONE, (request, response) => update(request, response, true));
  app.patch(ONE, (request, response) => update(request, response, false));
}

function addCreationAndEnd(app: Express, { writes, flush }: Api): void {
  app.post(ALL, async (request, response) => {
    const created = writes.create(
      parseApp(request.body),
      flag(request, 'force', false),
      originOf(request),
    );
    await flush();
    response.set('Location', created.app.id);
    response.set('Marathon-Deployment-Id', created.result.deploymentId);
    response.status(201).json({
      ...created.app,
      ...{ tasksStaged: 0, tasksRunning: 0, tasksHealthy: 0, tasksUnhealthy: 0 },
      deployments: [{ id: created.result.deploymentId }],
    });
  });
  app.post(RESTART, async (request, response) => {
    const result = writes.restart(idFrom(request), flag(request, 'force', false));
    await flush();
    sendDeployment(response, result);
  });
  app.delete(ONE, async (request, response) => {
    const result = writes.remove(idFrom(request), flag(request, 'force', true));
    await flush();
    sendDeployment(response, result);
  });
}

/** PATCH never makes an app and always keeps what is not named. */
function modeOf(request: Request, create: boolean): WriteMode {
  const partial = !create || flag(request, 'partialUpdate', true);
  return { force: flag(request, 'force', false), partial, create };
}

function byId(inputs: AppInput[]): Map<string, AppInput> {
  const byId = new Map<string, AppInput>();
  for (const [index, input] of inputs.entries()) {
    if (input.id === undefined) {
      throw new ApiError(422, 'Invalid JSON', {
        details: [{ path: `(${index})/id`, errors: ['error.path.missing'] }],
      });
    }
    byId.set(absoluteId(input.id), input);
  }
  return byId;
}
