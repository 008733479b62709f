/** `/v2/apps`: reading and writing apps. */
import type { Express, Request, RequestHandler } from 'express';
import type { App } from '../apps/app-definition.ts';
import { absoluteId, isWithin } from '../apps/app-id.ts';
import { type AppInput, parseApp, parseApps } from '../apps/app-schema.ts';
import { findVersion, type Origin, type WriteMode } from '../apps/app-writes.ts';
import type { AppRecord } from '../state/cluster.ts';
import { ApiError, notFound } from './api-error.ts';
import { appView, type Embed, parseEmbeds } from './app-view.ts';
import { flag, idFrom, jsonOf, param, remoteAddressOf, sendDeployment, texts } from './request.ts';
import { addRoute } from './route.ts';
import { parseSelector } from './selectors.ts';
import type { Api } from './server.ts';

const ALL = /^\/v2\/apps\/*$/;
const ONE = /^\/v2\/apps\/+(.+?)\/*$/;
const BELOW_GROUP = /^\/v2\/apps\/+(?:(.+?)\/+)?\*$/;
const RESTART = /^\/v2\/apps\/+(.+?)\/+restart\/*$/;
const VERSIONS = /^\/v2\/apps\/+(.+?)\/+versions\/*$/;
const VERSION = /^\/v2\/apps\/+(.+?)\/+versions\/+([^/]+)\/*$/;

/** What the reading of one app, or of those below a group, always shows. */
const ALWAYS: Embed[] = ['tasks', 'lastTaskFailure'];

/** Paths that end in a word of the API come before those of one app. */
export function addAppRoutes(app: Express, api: Api): void {
  const { all, belowGroup, one } = reads(api);
  const { updateMany, update } = updates(api);
  const { create, restart, remove } = otherWrites(api);
  addRoute(app, ALL, {
    get: all,
    post: create,
    put: updateMany({ create: true }),
    patch: updateMany({ create: false }),
  });
  addRoute(app, BELOW_GROUP, { get: belowGroup });
  addVersionRoutes(app, api);
  addRoute(app, RESTART, { post: restart });
  addRoute(app, ONE, {
    get: one,
    put: update({ create: true }),
    patch: update({ create: false }),
    delete: remove,
  });
}

function reads({ cluster, host }: Api) {
  const current = (): AppRecord[] => [...cluster.records.values()].filter((record) => record.app);

  const all: RequestHandler = (request, response) => {
    const embeds = parseEmbeds(texts(request, 'embed'));
    const matches = filterOf(request);
    const records = current().filter((record) => record.app && matches(record.app));
    response.json({ apps: records.map((record) => appView(cluster, record, embeds, host)) });
  };

  const belowGroup: RequestHandler = (request, response) => {
    const group = idFrom(request);
    const embeds = embedsOfOne(request);
    const records = current().filter(({ id }) => id !== group && isWithin(id, group));
    response.json({ '*': records.map((record) => appView(cluster, record, embeds, host)) });
  };

  const one: RequestHandler = (request, response) => {
    const id = idFrom(request);
    const record = cluster.records.get(id);
    if (!record?.app) throw notFound('App', id);
    response.json({ app: appView(cluster, record, embedsOfOne(request), host) });
  };

  return { all, belowGroup, one };
}

function addVersionRoutes(app: Express, { cluster, writes }: Api): void {
  addRoute(app, VERSIONS, {
    get: (request, response) => {
      const { id } = writes.existing(idFrom(request));
      const versions = cluster.record(id).versions.map(({ version }) => version);
      response.json({ versions: versions.toReversed() });
    },
  });
  addRoute(app, VERSION, {
    get: (request, response) => {
      const { id } = writes.existing(idFrom(request));
      response.json(findVersion(id, cluster.record(id).versions, param(request, 1)));
    },
  });
}

function embedsOfOne(request: Request): Set<Embed> {
  return new Set([...ALWAYS, ...parseEmbeds(texts(request, 'embed'))]);
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
  return { clientIp: remoteAddressOf(request), uri: request.path };
}

/** Whether apps that are not there are made. */
type Creation = Pick<WriteMode, 'create'>;

function updates({ cluster, writes, flush }: Api) {
  const update =
    ({ create }: Creation): RequestHandler =>
    async (request, response) => {
      const id = idFrom(request);
      const existed = cluster.records.get(id)?.app !== undefined;
      const inputs = new Map([[id, parseApp(jsonOf(request))]]);
      const result = writes.update(inputs, modeOf(request, create), originOf(request));
      await flush();
      if (!existed) response.location(`/v2/apps${id}`);
      sendDeployment(response, result, existed ? 200 : 201);
    };

  const updateMany =
    ({ create }: Creation): RequestHandler =>
    async (request, response) => {
      const inputs = byId(parseApps(jsonOf(request)));
      const result = writes.update(inputs, modeOf(request, create));
      await flush();
      sendDeployment(response, result);
    };

  return { update, updateMany };
}

function otherWrites({ writes, flush }: Api) {
  const create: RequestHandler = async (request, response) => {
    const input = parseApp(jsonOf(request));
    const created = writes.create(input, flag(request, 'force', false), originOf(request));
    await flush();
    response.location(`/v2/apps${created.app.id}`);
    response.set('Marathon-Deployment-Id', created.result.deploymentId);
    response.status(201).json({
      ...created.app,
      ...{ tasksStaged: 0, tasksRunning: 0, tasksHealthy: 0, tasksUnhealthy: 0 },
      deployments: [{ id: created.result.deploymentId }],
      tasks: [],
    });
  };

  const restart: RequestHandler = async (request, response) => {
    const result = writes.restart(idFrom(request), flag(request, 'force', false));
    await flush();
    sendDeployment(response, result);
  };

  const remove: RequestHandler = async (request, response) => {
    const result = writes.remove(idFrom(request), flag(request, 'force', true));
    await flush();
    sendDeployment(response, result);
  };

  return { create, restart, remove };
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
