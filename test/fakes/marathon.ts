/** A Marathon in memory that keeps apps by Marathon's rules, and whose instances do as a test says. */
import { isDeepStrictEqual } from 'node:util';
import { AppLockedError, type Marathon, type MarathonApp } from '../../src/clients/marathon.ts';
import { appSchema } from '../../src/clients/marathon-model.ts';
import { NotFoundError } from '../../src/core/errors.ts';

type Definition = Record<string, unknown> & {
  id: string;
  instances?: number;
  labels?: Record<string, string>;
};

/** How an instance of an app is, in the words of Marathon's task. */
export interface PlayedTask {
  state?: string;
  healthCheckResults?: {
    alive: boolean;
    consecutiveFailures?: number;
    lastFailureCause?: string;
  }[];
}

const healthy: PlayedTask = { healthCheckResults: [{ alive: true }] };

type Asked =
  | 'versions'
  | 'version'
  | 'app'
  | 'apps'
  | 'putApp'
  | 'deleteApp'
  | 'scale'
  | 'restart'
  | 'deployments';

export interface FakeMarathon extends Marathon {
  /** Every write in order, such as `PUT /shop/web release 2 force`. */
  writes: string[];
  /** How each instance is that has this release; default healthy. */
  play(release: number, task: PlayedTask): void;
  /** The next call of this name fails before it does anything, or, with `after`, once it has. */
  fail(call: Asked, error: Error, options?: { after?: boolean }): void;
  /** Called with the name of each call before it is answered. */
  onCall: (call: Asked) => unknown;
  /** `ekiden` takes instances out of the balancers before it ends them; others end them at once. */
  buildref: string;
  /** For how many instances of all apps together there is room, in the order in which apps came. */
  room: number;
  /** Ids of the apps that deployments hold. */
  locked: Set<string>;
  definitionOf(id: string): Record<string, unknown> | undefined;
  /** The number of the release that an app is labelled with. */
  releaseOf(id: string): string | undefined;
  instancesOf(id: string): unknown;
}

interface Kept {
  definition: Definition;
  version: string;
  /** When anything but the number of instances changed. */
  configured: string;
}

export function createFakeMarathon(): FakeMarathon {
  const apps = new Map<string, Kept>();
  /** What was ever sent, oldest first; an app that is deleted has none any more. */
  const sent: (Kept & { id: string })[] = [];
  const played = new Map<number, PlayedTask>();
  const failures: { call: Asked; error: Error; after: boolean }[] = [];
  const writes: string[] = [];
  let clock = 0;
  const nextVersion = () => new Date(Date.UTC(2026, 0, 1) + ++clock).toISOString();

  const seen = async <T>(call: Asked, answer: () => T): Promise<T> => {
    await fake.onCall(call);
    const at = failures.findIndex((failure) => failure.call === call);
    const [failure] = at < 0 ? [] : failures.splice(at, 1);
    if (failure && !failure.after) throw failure.error;
    const answered = answer();
    if (failure) throw failure.error;
    return answered;
  };

  const put = (definition: Definition, force: boolean) => {
    writes.push(`PUT ${definition.id} release ${releaseOf(definition)}${force ? ' force' : ''}`);
    const version = nextVersion();
    // Marathon answers a new version each time, but keeps the app's where nothing changed.
    const same = isDeepStrictEqual(apps.get(definition.id)?.definition, definition);
    if (!same) {
      apps.set(definition.id, { definition, version, configured: version });
      sent.push({ id: definition.id, definition, version, configured: version });
    }
    return { version, deploymentId: `deployment-${clock}` };
  };
  const change = (id: string, what: string, next: (kept: Kept, version: string) => Kept) => {
    const kept = apps.get(id);
    if (!kept) throw new NotFoundError(`App '${id}' does not exist`, { code: 'E_MARATHON_404' });
    if (fake.locked.has(id)) throw new AppLockedError('App is locked', [`of ${id}`]);
    writes.push(`${what} ${id}`);
    const version = nextVersion();
    apps.set(id, next(kept, version));
    return { version, deploymentId: `deployment-${clock}` };
  };
  const remove = (id: string, force: boolean) => {
    writes.push(`DELETE ${id}${force ? ' force' : ''}`);
    sent.splice(0, sent.length, ...sent.filter((each) => each.id !== id));
    return apps.delete(id) ? { version: nextVersion(), deploymentId: `d${clock}` } : undefined;
  };
  const roomFor = (id: string) => {
    const before = [...apps.keys()].slice(0, [...apps.keys()].indexOf(id));
    const taken = before.map((each) => apps.get(each)?.definition.instances ?? 1);
    return taken.reduce((left, instances) => Math.max(0, left - instances), fake.room);
  };
  const show = (id: string) => {
    const kept = apps.get(id);
    const app = kept && shown(kept, played.get(releaseOf(kept.definition)) ?? healthy);
    app?.tasks.splice(roomFor(id));
    return app && fake.locked.has(id) ? { ...app, deployments: [{ id: `of ${id}` }] } : app;
  };

  const fake: FakeMarathon = {
    ...unplayed,
    writes,
    buildref: 'ekiden',
    room: Number.MAX_SAFE_INTEGER,
    info: async () => ({
      ...{ name: 'marathon', version: '1.11.24', buildref: fake.buildref },
      leader: undefined,
    }),
    locked: new Set(),
    onCall: () => undefined,
    play: (release, task) => void played.set(release, task),
    fail: (call, error, { after = false } = {}) => void failures.push({ call, error, after }),
    definitionOf: (id) => apps.get(id)?.definition,
    releaseOf: (id) =>
      (apps.get(id)?.definition['labels'] as Record<string, string> | undefined)?.[
        'ekiden.release'
      ],
    instancesOf: (id) => apps.get(id)?.definition['instances'],
    app: (id) => seen('app', () => show(id)),
    versions: (id) =>
      seen('versions', () =>
        sent.flatMap((each) => (each.id === id ? [each.version] : [])).reverse(),
      ),
    version: (id, version) =>
      seen('version', () => {
        const found = sent.find((each) => each.id === id && each.version === version);
        // As Marathon shows it, with what nobody may send back.
        return found && { ...found.definition, version, versionInfo: {}, tasksRunning: 1 };
      }),
    apps: ({ label } = {}) =>
      seen('apps', () => [...apps.keys()].flatMap((id) => pick(show(id), label))),
    putApp: (definition, { force = false } = {}) =>
      seen('putApp', () => put(definition as Definition, force)),
    deleteApp: (id, { force = false } = {}) => seen('deleteApp', () => remove(id, force)),
    scale: (id, instances) =>
      seen('scale', () =>
        change(id, `SCALE ${instances}`, ({ definition, configured }, version) => ({
          ...{ version, configured, definition: { ...definition, instances } },
        })),
      ),
    killTasks: async (ids, { scale = false, force = false } = {}) => {
      const [first = ''] = ids;
      const owner = [...apps.keys()].find((id) => first.startsWith(`${id}-`)) ?? '';
      const less = scale ? ids.length : 0;
      if (force) fake.locked.delete(owner);
      return change(owner, `KILL ${ids.length}${scale ? ' and scale' : ''}`, (kept, version) => {
        const instances = (kept.definition.instances ?? 1) - less;
        return { ...kept, version, definition: { ...kept.definition, instances } };
      });
    },
    restart: (id) =>
      seen('restart', () =>
        change(id, 'RESTART', (kept, version) => ({ ...kept, version, configured: version })),
      ),
    deployments: () =>
      seen('deployments', () =>
        [...fake.locked].map((id) => ({
          id: `of ${id}`,
          version: undefined,
          affectedApps: [id],
          currentActions: [],
          currentStep: 1,
          totalSteps: 1,
        })),
      ),
  };
  return fake;
}

function releaseOf({ labels }: Definition): number {
  return Number(labels?.['ekiden.release']);
}

function shown({ definition, version, configured }: Kept, task: PlayedTask): MarathonApp {
  const { id, instances = 1 } = definition;
  return appSchema.parse({
    ...definition,
    version,
    instances,
    versionInfo: { lastConfigChangeAt: configured, lastScalingAt: version },
    tasks: Array.from({ length: instances }, (_, index) => ({
      id: `${id}-${version}-${index}`,
      appId: id,
      version,
      state: 'TASK_RUNNING',
      ...task,
    })),
  });
}

/** Selectors of the form `a==b,c==d` are all that Ekiden uses. */
function pick(app: MarathonApp | undefined, selector = ''): MarathonApp[] {
  if (app === undefined) return [];
  const terms = selector
    .split(',')
    .filter(Boolean)
    .map((term) => term.split('=='));
  return terms.every(([key = '', value]) => app.labels[key] === value) ? [app] : [];
}

async function notPlayed(): Promise<never> {
  throw new Error('the fake Marathon does not play this call');
}

const unplayed = {
  cancelDeployment: notPlayed,
  queue: notPlayed,
  ping: notPlayed,
  follow: notPlayed,
  close: async () => undefined,
};
