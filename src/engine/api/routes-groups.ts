/** `/v2/groups`: reading and writing the tree of groups. */
import type { Express, RequestHandler } from 'express';
import { isWithin } from '../apps/app-id.ts';
import { parseGroup, parseGroupPatch } from '../groups/group-schema.ts';
import { rootAt, versionsOf } from '../state/root-history.ts';
import { ApiError } from './api-error.ts';
import { appView, parseEmbeds } from './app-view.ts';
import { embeddedApp, groupView, parseGroupEmbeds } from './group-view.ts';
import { flag, idFrom, jsonOf, param, sendDeployment, texts } from './request.ts';
import { addRoute } from './route.ts';
import type { Api } from './server.ts';

const ROOT = /^\/v2\/groups\/*$/;
const ONE = /^\/v2\/groups\/+(.+?)\/*$/;
const APPS = /^\/v2\/groups(?:\/+(.+?))?\/+apps\/*$/;
const VERSIONS = /^\/v2\/groups(?:\/+(.+?))?\/+versions\/*$/;
const VERSION = /^\/v2\/groups(?:\/+(.+?))?\/+versions\/+([^/]+)\/*$/;

export function addGroupRoutes(app: Express, api: Api): void {
  addVersionReads(app, api);
  addAppsRead(app, api);
  const { patch, ...ofAny } = { get: read(api), ...writes(api) };
  addRoute(app, ROOT, ofAny);
  addRoute(app, ONE, { ...ofAny, patch });
}

/** Comes first: an id may not end in these words. */
function addVersionReads(app: Express, { cluster, groupWrites }: Api): void {
  addRoute(app, VERSIONS, {
    get: (request, response) => {
      const { id } = groupWrites.existing(idFrom(request));
      response.json(versionsOf(cluster.root(), cluster.history, id));
    },
  });
  addRoute(app, VERSION, {
    get: (request, response) => {
      const id = idFrom(request);
      const version = param(request, 1);
      const past = rootAt(cluster.root(), cluster.history, version);
      if (!past?.groups.has(id)) {
        throw new ApiError(404, `Group '${id}' does not exist in version ${version}`);
      }
      const { groups, apps } = parseGroupEmbeds(texts(request, 'embed'));
      const shown = apps ? { app: (one: object) => one } : {};
      response.json(groupView(past, id, { version, groups, ...shown }));
    },
  });
}

function addAppsRead(app: Express, { cluster, host }: Api): void {
  addRoute(app, APPS, {
    get: (request, response) => {
      const group = idFrom(request);
      const embeds = parseEmbeds(texts(request, 'embed'));
      const records = [...cluster.records.values()].filter(
        (record) => record.app && isWithin(record.id, group),
      );
      response.json(records.map((record) => appView(cluster, record, embeds, host)));
    },
  });
}

function read({ cluster, groupWrites, host }: Api): RequestHandler {
  return (request, response) => {
    const { id } = groupWrites.existing(idFrom(request));
    const embeds = parseGroupEmbeds(texts(request, 'embed'));
    const shown = embeds.apps ? { app: embeddedApp(cluster, host, embeds) } : {};
    const version = cluster.rootVersion();
    response.json(groupView(cluster.root(), id, { version, groups: embeds.groups, ...shown }));
  };
}

function writes({ groupWrites, flush }: Api): Record<Write, RequestHandler> {
  return {
    post: async (request, response) => {
      const input = parseGroup(jsonOf(request));
      const force = flag(request, 'force', false);
      const { id, result } = groupWrites.create({ base: idFrom(request), input, force });
      await flush();
      response.location(`/v2/groups${id}`);
      sendDeployment(response, result, 201);
    },
    put: async (request, response) => {
      const input = parseGroup(jsonOf(request));
      const wish = { base: idFrom(request), input, force: flag(request, 'force', false) };
      if (flag(request, 'dryRun', false)) {
        response.json({ steps: groupWrites.plan(wish) });
        return;
      }
      const result = groupWrites.update(wish);
      await flush();
      sendDeployment(response, result);
    },
    patch: async (request, response) => {
      groupWrites.patch(idFrom(request), parseGroupPatch(jsonOf(request)).enforceRole);
      await flush();
      response.status(200).end();
    },
    delete: async (request, response) => {
      const result = groupWrites.remove(idFrom(request), flag(request, 'force', false));
      await flush();
      sendDeployment(response, result);
    },
  };
}

type Write = 'post' | 'put' | 'patch' | 'delete';
