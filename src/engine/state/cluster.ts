/** What the engine knows: apps with their versions, their instances, and the running deployments. */
import type { App } from '../apps/app-definition.ts';
import { instanceIdOf, taskIdOf } from '../apps/app-id.ts';
import type { Health } from '../checks/health.ts';
import type { Readiness } from '../checks/readiness-monitor.ts';
import type { Step } from '../deployments/plan.ts';
import { emptyGroup, type Group, type Root } from '../groups/group.ts';
import { type Replaced, remember } from './root-history.ts';

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
  /** Absent until the readiness check was asked. */
  readiness?: Readiness;
  /** Since when its goal is to go; a timestamp. */
  sentencedAt?: string;
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
  /** Groups that it made, changed or removed, before and after. */
  groups?: { originals: Record<string, Group | null>; targets: Record<string, Group | null> };
}

/** Marathon's `--zk_max_versions`. */
const MAX_VERSIONS = 50;

/** What is stored as a whole beside the apps. */
export type Part = 'deployments' | 'groups' | 'history';

type OnChange = (changed: AppRecord | Part) => void;

/** Holds the records in memory and tells `onChange` which app, or which part, to store. */
export function createCluster(onChange: OnChange): Cluster {
  return new Cluster(onChange);
}

class Cluster {
  readonly records = new Map<string, AppRecord>();
  readonly deployments = new Map<string, Deployment>();
  /** By id; the root is always there. */
  readonly groups = new Map<string, Group>([['/', emptyGroup('/')]]);
  /** When the groups themselves changed last; a timestamp, absent before the first time. */
  groupsVersion?: string;
  /** What the last writes replaced, oldest first. */
  readonly history: Replaced[] = [];
  readonly #onChange: OnChange;

  constructor(onChange: OnChange) {
    this.#onChange = onChange;
  }

  /** The record of an app, made where there is none. */
  record(id: string): AppRecord {
    const known = this.records.get(id);
    if (known) return known;
    const made: AppRecord = { id, versions: [], instances: new Map() };
    this.records.set(id, made);
    return made;
  }

  /** The current definitions by id. */
  apps(): Map<string, App> {
    const apps = new Map<string, App>();
    for (const { id, app } of this.records.values()) if (app) apps.set(id, app);
    return apps;
  }

  root(): Root {
    return { apps: this.apps(), groups: this.groups };
  }

  /** The version of the last write, which all groups have. */
  rootVersion(): string {
    const last = this.history.at(-1)?.version;
    if (last !== undefined) return last;
    const versions = [...this.apps().values()].map(({ version }) => version).sort();
    return versions.at(-1) ?? new Date(0).toISOString();
  }

  instances(): Instance[] {
    return [...this.records.values()].flatMap((record) => [...record.instances.values()]);
  }

  findTask(taskId: string): Instance | undefined {
    const instanceId = instanceIdOf(taskId);
    if (instanceId === undefined) return undefined;
    for (const { instances } of this.records.values()) {
      const found = instances.get(instanceId);
      if (found) return taskIdOf(found) === taskId ? found : undefined;
    }
    return undefined;
  }

  /** The definition that `instance` is made from. */
  definitionOf({ appId, version }: Instance): App | undefined {
    const { app, versions } = this.record(appId);
    return app?.version === version ? app : versions.find((one) => one.version === version);
  }

  /** False when the instance is gone or has a next task already. */
  isCurrent(instance: Instance): boolean {
    return this.records.get(instance.appId)?.instances.get(instance.id) === instance;
  }

  /** Makes `app` the current definition; null deletes the app, its last instances stay known. */
  setApp(id: string, app: App | null): void {
    const held = this.record(id);
    if (app === null) {
      delete held.app;
      held.versions = held.versions.filter(isUsed(held));
    } else {
      held.app = app;
      if (!held.versions.some(({ version }) => version === app.version)) held.versions.push(app);
      pruneVersions(held);
    }
    this.changed(id);
  }

  /** Makes groups current; null removes. */
  setGroups(changes: Iterable<[string, Group | null]>, version: string): void {
    for (const [id, group] of changes) {
      if (group) this.groups.set(id, group);
      else this.groups.delete(id);
    }
    this.groupsVersion = version;
    this.#onChange('groups');
  }

  /** To be called with what a write is about to replace. */
  remember(write: Replaced): void {
    remember(this.history, write);
    this.#onChange('history');
  }

  deploymentsOf(appId: string): Deployment[] {
    return [...this.deployments.values()].filter(({ targets }) => Object.hasOwn(targets, appId));
  }

  /** To be called after every change to the record of an app or to one of its instances. */
  changed(id: string): void {
    const held = this.record(id);
    if (!held.app && held.instances.size === 0) this.records.delete(id);
    this.#onChange(held);
  }

  /** To be called after every change to the deployments. */
  deploymentsChanged(): void {
    this.#onChange('deployments');
  }
}

export type { Cluster };

/** Versions that instances are made from stay, however old. */
function pruneVersions(held: AppRecord): void {
  const newest = held.versions.slice(-MAX_VERSIONS);
  const older = held.versions.slice(0, -MAX_VERSIONS);
  held.versions = [...older.filter(isUsed(held)), ...newest];
}

function isUsed({ instances }: AppRecord): (app: App) => boolean {
  const inUse = new Set([...instances.values()].map(({ version }) => version));
  return ({ version }) => inUse.has(version);
}
