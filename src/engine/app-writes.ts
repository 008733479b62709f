/** What the writes of the API do to apps: each becomes a deployment. */
import { ApiError, notFound } from './api-error.ts';
import { patched, restarted, versioned } from './app-change.ts';
import { type App, normalizeApp } from './app-definition.ts';
import { absoluteId, parentOf } from './app-id.ts';
import type { AppInput } from './app-schema.ts';
import { ensureValidApp } from './app-validation.ts';
import type { Instance } from './cluster.ts';
import type { Context } from './context.ts';
import type { Change, DeploymentResult, Deployments, Targets } from './deployments.ts';
import { assignServicePorts } from './service-ports.ts';

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
    const { version: _, ...definition } = input;
    const mode = { force, partial: false, create: true };
    const app = this.#define({ id, input: definition, mode, version });
    const change = { targets: new Map([[id, app]]), force, version };
    return { app, result: this.#deploy(change, origin) };
  }

  /** Changes or makes the apps together, in one deployment. */
  update(inputs: Map<string, AppInput>, mode: WriteMode, origin?: Origin): DeploymentResult {
    const version = this.#options.clock.next();
    const targets: Targets = new Map();
    for (const [id, input] of inputs) targets.set(id, this.#define({ id, input, mode, version }));
    return this.#deploy({ targets, force: mode.force, version }, origin);
  }

  remove(id: string, force: boolean): DeploymentResult {
    const version = this.#options.clock.next();
    return this.#deploy({ targets: new Map([[this.existing(id).id, null]]), force, version });
  }

  restart(id: string, force: boolean): DeploymentResult {
    const version = this.#options.clock.next();
    const app = restarted(this.existing(id), version);
    return this.#deploy({ targets: new Map([[id, app]]), force, version });
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
    return this.#deploy({ targets, force, version });
  }

  /** A write of one app is told of with its origin. */
  #deploy(change: Change, origin?: Origin): DeploymentResult {
    const { deployments, publish } = this.#options;
    const result = deployments.apply(change);
    const [appDefinition] = change.targets.values();
    if (origin) publish('api_post_event', { ...origin, appDefinition });
    for (const groupId of new Set([...change.targets.keys()].map(parentOf))) {
      publish('group_change_success', { groupId, version: change.version });
    }
    return result;
  }

  /** The complete, valid and versioned definition that a body means for an app. */
  #define({ id, input, mode, version }: Definition): App {
    const apps = this.#options.cluster.apps();
    const current = apps.get(id);
    if (!current && !mode.create) throw notFound('App', id);
    if (current && input.version !== undefined) return this.#earlier(current, input, version);
    const full = current && mode.partial ? patched(current, input) : { ...input, id };
    const normalized = normalizeApp(full);
    ensureValidApp(normalized);
    apps.delete(id);
    return versioned(current, assignServicePorts(normalized, current, apps.values()), version);
  }

  /** A body of `version` alone brings an earlier definition back. */
  #earlier(current: App, input: AppInput, version: string): App {
    const named = Object.entries(input).filter(([, value]) => value !== undefined);
    if (named.some(([key]) => key !== 'version' && key !== 'id')) {
      throw new ApiError(422, "The 'version' field may only be combined with the 'id' field.");
    }
    const { versions } = this.#options.cluster.record(current.id);
    return versioned(current, findVersion(current.id, versions, input.version ?? ''), version);
  }
}

export type { AppWrites };

interface Definition {
  id: string;
  input: AppInput;
  mode: WriteMode;
  version: string;
}

/** The definition of that version; 404 where it is not kept. */
export function findVersion(id: string, versions: App[], wanted: string): App {
  const found = versions.find(({ version }) => Date.parse(version) === Date.parse(wanted));
  if (found) return found;
  throw new ApiError(404, `App '${id}' does not exist in version ${wanted}`);
}

function missingId(): never {
  throw new ApiError(422, 'Invalid JSON', {
    details: [{ path: '/id', errors: ['error.path.missing'] }],
  });
}
