/** `/v2/groups`, for reading: the tree that the ids of the apps make. */
import type { Express } from 'express';
import { notFound } from './api-error.ts';
import { absoluteId, isWithin, parentOf } from './app-id.ts';
import { appView, parseEmbeds } from './app-view.ts';
import type { AppRecord } from './cluster.ts';
import { param, texts } from './request.ts';
import type { Api } from './server.ts';

export function addGroupRoutes(app: Express, { cluster, host }: Api): void {
  app.get(/^\/v2\/groups(?:\/+(.+?))?\/*$/, (request, response) => {
    const id = absoluteId(param(request, 0));
    const records = [...cluster.records.values()].filter((record) => record.app);
    const inside = records.filter((record) => record.id !== id && isWithin(record.id, id));
    if (inside.length === 0 && id !== '/') throw notFound('Group', id);
    const embeds = parseEmbeds(texts(request, 'embed'));
    const view = (record: AppRecord) => appView(cluster, record, embeds, host);
    response.json(groupView(id, inside, view));
  });
}

interface GroupView {
  id: string;
  version: string;
  apps: object[];
  groups: GroupView[];
  pods: never[];
  dependencies: never[];
  enforceRole: boolean;
}

function groupView(
  id: string,
  records: AppRecord[],
  view: (record: AppRecord) => object,
): GroupView {
  const prefix = id === '/' ? '/' : `${id}/`;
  const below = new Map<string, AppRecord[]>();
  for (const record of records.filter((one) => parentOf(one.id) !== id)) {
    const child = prefix + (record.id.slice(prefix.length).split('/')[0] ?? '');
    below.set(child, [...(below.get(child) ?? []), record]);
  }
  const versions = records.map(({ app }) => app?.version ?? '').sort();
  return {
    id,
    version: versions.at(-1) ?? new Date(0).toISOString(),
    apps: records.filter((one) => parentOf(one.id) === id).map(view),
    groups: [...below].map(([child, inside]) => groupView(child, inside, view)),
    pods: [],
    dependencies: [],
    enforceRole: false,
  };
}
