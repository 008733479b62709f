/** What the writes of the API do to apps: each becomes a deployment. */
import { ApiError, notFound } from './api-error.ts';
import { patched, restarted, versioned } from './app-change.ts';
import { type App, normalizeApp } from './app-definition.ts';
import { absoluteId, parentOf } from './app-id.ts';
import type { AppInput } from './app-schema.ts';
import { ensureValidApp } from './app-validation.ts';
import type { Cluster, Instance } from './cluster.ts';
import type { DeploymentResult, Deployments, Targets } from './deployments.ts';
import type { Publish } from './event-stream.ts';
import { assignServicePorts } from './service-ports.ts';
import type { VersionClock } from './version-clock.ts';

interface AppWritesOptions {
  cluster: Cluster;
  deployments: Deployments;
  publish: Publish;
  clock: VersionClock;
}

export interface WriteMode {
  force: boolean;
  /** Keep what the body does not name. */
  partial: boolean;
  /** Make apps that are not there. */
  create: boolean;
}

export type AppWrites = ReturnType<typeof createAppWrites>;

export function createAppWrites({ cluster, deployments, publish, clock }: AppWritesOptions) {
  function existing(id: string): App {
    const app = cluster.records.get(id)?.app;
    if (!app) throw notFound('App', id);
    return app;
  }

  function deploy(targets: Targets, force: boolean, version: string): DeploymentResult {
    const result = deployments.apply(targets, force, version);
    for (const groupId of new Set([...targets.keys()].map(parentOf))) {
      publish('group_change_success', { groupId, version });
    }
    return result;
  }

  /** The complete, valid and versioned definition that `input` means for the app `id`. */
  function define(id: string, input: AppInput, mode: WriteMode, version: string): App {
    const current = cluster.records.get(id)?.app;
    if (!current && !mode.create) throw notFound('App', id);
    if (current && input.version !== undefined) return earlier(current, input, version);
    const full = current && mode.partial ? patched(current, input) : { ...input, id };
    const normalized = normalizeApp(full);
    ensureValidApp(normalized);
    const others = [...cluster.apps().values()].filter((app) => app.id !== id);
    return versioned(current, assignServicePorts(normalized, current, others), version);
  }

  /** A body of `version` alone brings an earlier definition back. */
  function earlier(current: App, input: AppInput, version: string): App {
    const named = Object.entries(input).filter(([, value]) => value !== undefined);
    if (named.some(([key]) => key !== 'version' && key !== 'id')) {
      throw new ApiError(422, "The 'version' field may only be combined with the 'id' field.");
    }
    const wanted = Date.parse(input.version ?? '');
    const found = cluster
      .record(current.id)
      .versions.find((one) => Date.parse(one.version) === wanted);
    if (found) return versioned(current, found, version);
    throw new ApiError(404, `App '${current.id}' does not exist in version ${input.version}`);
  }

  return {
    existing,
    deploy,

    create: (input: AppInput, force: boolean): { app: App; result: DeploymentResult } => {
      const id = absoluteId(input.id ?? missingId());
      if (cluster.records.get(id)?.app) {
        throw new ApiError(409, `An app with id [${id}] already exists.`);
      }
      const version = clock.next();
      const mode = { force, partial: false, create: true };
      const app = define(id, withoutVersion(input), mode, version);
      return { app, result: deploy(new Map([[id, app]]), force, version) };
    },

    /** Changes or makes the apps together, in one deployment. */
    update: (inputs: Map<string, AppInput>, mode: WriteMode): DeploymentResult => {
      const version = clock.next();
      const targets: Targets = new Map();
      for (const [id, input] of inputs) targets.set(id, define(id, input, mode, version));
      return deploy(targets, mode.force, version);
    },

    remove: (id: string, force: boolean): DeploymentResult => {
      existing(id);
      return deploy(new Map([[id, null]]), force, clock.next());
    },

    restart: (id: string, force: boolean): DeploymentResult => {
      const version = clock.next();
      return deploy(new Map([[id, restarted(existing(id), version)]]), force, version);
    },

    /** One instance fewer for each of the given ones, which are then the ones to go. */
    scaleDownBy: (instances: Instance[], force: boolean): DeploymentResult => {
      const version = clock.next();
      const targets: Targets = new Map();
      for (const { appId } of instances) {
        const app = (targets.get(appId) ?? existing(appId)) as App;
        const fewer = { ...app, instances: Math.max(0, app.instances - 1) };
        targets.set(appId, versioned(existing(appId), fewer, version));
      }
      return deploy(targets, force, version);
    },
  };
}

function missingId(): never {
  throw new ApiError(422, 'Invalid JSON', {
    details: [{ path: '/id', errors: ['error.path.missing'] }],
  });
}

function withoutVersion(input: AppInput): AppInput {
  const { version: _, ...rest } = input;
  return rest;
}
