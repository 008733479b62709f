/** What the engine knows: apps with their versions, their instances, and the running deployments. */
import type { App } from './app-definition.ts';
import { instanceIdOf, taskIdOf } from './app-id.ts';
import type { Health } from './health.ts';
import type { Step } from './plan.ts';

/** One place for a task; after a failure the next task of it has the next incarnation. */
export interface Instance {
  id: string;
  appId: string;
  /** The version of the app's definition that it is made from. */
  version: string;
  incarnation: number;
  condition: 'Scheduled' | 'Staging' | 'Running' | 'Killing';
  /** What shall become of it when its task ends: a next task, or nothing. */
  goal: 'Running' | 'Decommissioned';
  /** Timestamps. */
  scheduledAt: string;
  stagedAt?: string;
  startedAt?: string;
  containerId?: string;
  /** The container's init process on this machine. */
  pid?: number;
  ipAddress?: string;
  /** Allocated host ports, in the order of their declaration. */
  ports: number[];
  /** One for each health check, by index; holes where none has answered yet. */
  health: (Health | undefined)[];
  ready?: boolean;
  /** Why the engine kills it, for the failure record of an unhealthy one. */
  killReason?: string;
}

export interface TaskFailure {
  appId: string;
  host: string;
  message: string;
  state: string;
  taskId: string;
  timestamp: string;
  version: string;
  slaveId: string;
}

/** `app` is absent once the app is deleted and its last instances are on their way out. */
export interface AppRecord {
  id: string;
  app?: App;
  /** Oldest first. */
  versions: App[];
  instances: Map<string, Instance>;
  lastTaskFailure?: TaskFailure;
}

/** `targets` and `originals` name the affected apps; null stands for an app that is not there. */
export interface Deployment {
  id: string;
  version: string;
  steps: Step[];
  /** Index of the step at work. */
  currentStep: number;
  originals: Record<string, App | null>;
  targets: Record<string, App | null>;
}

/** Marathon's `--zk_max_versions`. */
const MAX_VERSIONS = 50;

export type Cluster = ReturnType<typeof createCluster>;

/** Holds the records in memory and tells `onChange` which app, or `deployments`, to store. */
export function createCluster(onChange: (record: AppRecord | 'deployments') => void) {
  const records = new Map<string, AppRecord>();
  const deployments = new Map<string, Deployment>();

  function record(id: string): AppRecord {
    const known = records.get(id);
    if (known) return known;
    const made: AppRecord = { id, versions: [], instances: new Map() };
    records.set(id, made);
    return made;
  }

  function findInstance(id: string | undefined): Instance | undefined {
    if (id === undefined) return undefined;
    for (const { instances } of records.values()) {
      const found = instances.get(id);
      if (found) return found;
    }
    return undefined;
  }

  return {
    records,
    deployments,
    record,
    findInstance,

    apps: (): Map<string, App> => {
      const apps = new Map<string, App>();
      for (const { id, app } of records.values()) if (app) apps.set(id, app);
      return apps;
    },

    instances: (): Instance[] => [...records.values()].flatMap((r) => [...r.instances.values()]),

    findTask: (taskId: string): Instance | undefined => {
      const instance = findInstance(instanceIdOf(taskId));
      return instance && taskIdOf(instance) === taskId ? instance : undefined;
    },

    /** The definition that `instance` is made from. */
    definitionOf: ({ appId, version }: Instance): App | undefined => {
      const { app, versions } = record(appId);
      return app?.version === version ? app : versions.find((v) => v.version === version);
    },

    /** Makes `app` the current definition; null deletes the app with its versions in use kept. */
    setApp: (id: string, app: App | null): void => {
      const held = record(id);
      if (app === null) delete held.app;
      else {
        held.app = app;
        if (!held.versions.some(({ version }) => version === app.version)) held.versions.push(app);
        pruneVersions(held);
      }
      onChange(held);
    },

    deploymentsOf: (appId: string): Deployment[] =>
      [...deployments.values()].filter(({ targets }) => Object.hasOwn(targets, appId)),

    changed: (id: string): void => {
      const held = record(id);
      if (!held.app && held.instances.size === 0) records.delete(id);
      onChange(held);
    },

    deploymentsChanged: (): void => onChange('deployments'),
  };
}

/** Versions that instances are made from stay, however old. */
function pruneVersions(held: AppRecord): void {
  const inUse = new Set([...held.instances.values()].map(({ version }) => version));
  const newest = held.versions.slice(-MAX_VERSIONS);
  const older = held.versions.slice(0, -MAX_VERSIONS);
  held.versions = [...older.filter(({ version }) => inUse.has(version)), ...newest];
}
