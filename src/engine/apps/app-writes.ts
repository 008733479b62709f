/** What the writes of the API do to apps: each becomes a deployment. */
import { ApiError, allValid, invalidObject, notFound } from '../api/api-error.ts';
import type { Context } from '../context.ts';
import type { Change, DeploymentResult, Deployments, Targets } from '../deployments/deployments.ts';
import { toldOf } from '../groups/group-events.ts';
import type { Instance } from '../state/cluster.ts';
import { restarted, versioned } from './app-change.ts';
import type { App } from './app-definition.ts';
import { absoluteId, parentOf } from './app-id.ts';
import type { AppInput } from './app-schema.ts';
import { defineApp } from './define-app.ts';
import { takenServicePorts } from './service-ports.ts';

interface AppWritesOptions extends Pick<Context, 'cluster' | 'publish' | 'clock'> {
  deployments: Deployments;
}

export interface WriteMode {
  force: boolean;
  /** Keep what the body does not name. */
  partial: boolean;
  /** Make apps that are not there. */
  create: boolean;
}

interface Definition extends WriteMode {
  /** The version that this write gives. */
  version: string;
  /** Whether complaints say which of several apps they are about. */
  isList: boolean;
}

/** Who asked for a write, and where. */
export interface Origin {
  clientIp: string;
  uri: string;
}

export function createAppWrites(options: AppWritesOptions): AppWrites {
  return new AppWrites(options);
}

class AppWrites {
  readonly #options: AppWritesOptions;

  constructor(options: AppWritesOptions) {
    this.#options = options;
  }

  /** The current definition; 404 where there is none. */
  existing(id: string): App {
    const app = this.#options.cluster.records.get(id)?.app;
    if (!app) throw notFound('App', id);
    return app;
  }

  create(input: AppInput, force: boolean, origin: Origin): { app: App; result: DeploymentResult } {
    const { cluster, clock } = this.#options;
    const id = absoluteId(input.id ?? missingId());
    if (cluster.records.get(id)?.app) {
      throw new ApiError(409, `An app with id [${id}] already exists.`);
    }
    const version = clock.next();
    const app = defineApp(cluster.root(), { id, input, partial: false, version });
    const change = { targets: new Map([[id, app]]), force, version };
    return { app, result: this.#deploy(change, parentOf(id), origin) };
  }

  /** Changes or makes the apps together, in one deployment. */
  update(inputs: Map<string, AppInput>, mode: WriteMode, origin?: Origin): DeploymentResult {
    const version = this.#options.clock.next();
    const targets = this.#define(inputs, { ...mode, version, isList: !origin });
    const [id = '/'] = inputs.keys();
    // Several at once are a change of the root, as Marathon tells it.
    const groupId = origin ? parentOf(id) : '/';
    return this.#deploy({ targets, force: mode.force, version }, groupId, origin);
  }

  remove(id: string, force: boolean): DeploymentResult {
    const version = this.#options.clock.next();
    const targets = new Map([[this.existing(id).id, null]]);
    return this.#deploy({ targets, force, version }, parentOf(id));
  }

  restart(id: string, force: boolean): DeploymentResult {
    const version = this.#options.clock.next();
    const app = restarted(this.existing(id), version);
    return this.#deploy({ targets: new Map([[id, app]]), force, version }, parentOf(id));
  }

  /** Wants one instance fewer for each of the given ones. */
  scaleDownBy(instances: Instance[], force: boolean): DeploymentResult {
    const version = this.#options.clock.next();
    const targets = new Map<string, App>();
    for (const { appId } of instances) {
      const current = this.existing(appId);
      const wanted = (targets.get(appId) ?? current).instances - 1;
      const fewer = { ...current, instances: Math.max(0, wanted) };
      targets.set(appId, versioned(current, fewer, version));
    }
    return this.#deploy({ targets, force, version }, '/');
  }

  /** A write of one app is told of with its origin. */
  #deploy(change: Change, groupId: string, origin?: Origin): DeploymentResult {
    const { deployments, publish } = this.#options;
    return toldOf(publish, { groupId, version: change.version }, () => {
      const result = deployments.apply(change);
      const [appDefinition] = change.targets.values();
      if (origin) publish('api_post_event', { ...origin, appDefinition });
      return result;
    });
  }

  /** The definitions that bodies mean for apps, each seeing those before it. */
  #define(inputs: Map<string, AppInput>, mode: Definition): Targets {
    const root = this.#options.cluster.root();
    const apps = new Map(root.apps);
    const taken = takenServicePorts(apps.values());
    const { partial, version } = mode;
    const targets: Targets = new Map();
    allValid([...inputs].entries(), ([index, [id, input]]) => {
      const at = mode.isList ? `(${index})` : '';
      ensureVersionAlone(input, at);
      const current = apps.get(id);
      if (!current && !mode.create) throw notFound('App', id);
      const app =
        current && input.version !== undefined
          ? this.#earlier(current, input.version, version)
          : defineApp({ ...root, apps }, { id, input, partial, version, at, taken });
      apps.set(id, app);
      targets.set(id, app);
    });
    return targets;
  }

  #earlier(current: App, wanted: string, now: string): App {
    const { versions } = this.#options.cluster.record(current.id);
    return versioned(current, findVersion(current.id, versions, wanted), now);
  }
}

export type { AppWrites };

/** The definition of that version; 404 where it is not kept. */
export function findVersion(id: string, versions: App[], wanted: string): App {
  const found = versions.find(({ version }) => Date.parse(version) === Date.parse(wanted));
  if (found) return found;
  throw new ApiError(404, `App '${id}' does not exist in version ${wanted}`);
}

/** A body of `version` alone brings an earlier definition back. */
function ensureVersionAlone(input: AppInput, at: string): void {
  if (input.version === undefined) return;
  const named = Object.entries(input).filter(([, value]) => value !== undefined);
  if (named.every(([key]) => key === 'version' || key === 'id')) return;
  const error = "The 'version' field may only be combined with the 'id' field.";
  throw invalidObject([{ path: `${at}/`, errors: [error] }]);
}

function missingId(): never {
  throw new ApiError(422, 'Invalid JSON', {
    details: [{ path: '/id', errors: ['error.path.missing'] }],
  });
}
