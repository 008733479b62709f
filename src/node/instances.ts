/** Knows the instances of this installation on this node: by Docker while they live, by memory afterwards. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Docker } from '../clients/docker.ts';
import { messageOf } from '../core/errors.ts';
import { appOfInstance } from '../core/instance.ts';
import type { Log } from '../core/log.ts';
import type { NodeInstance, NodeInstances } from '../core/node.ts';
import { instanceOf, taskLabel } from './container.ts';
import { followDocker } from './docker-events.ts';
import { createExits } from './exits.ts';
import { readInstances, saveInstances } from './memory.ts';

export interface InstancesOptions {
  docker: Docker;
  install: string;
  /** The node's own data folder; the engine's sandboxes lie in `engine` below it. */
  data: string;
  log: Log;
}

/** Looks at Docker this often, in milliseconds, also when it says nothing. */
const lookEvery = 30_000;
/** One change comes as several events. */
const hintPause = 100;
/** Docker answers for a container that starts or goes only once it has, so others are asked meanwhile. */
const askedAtOnce = 8;
/** Ended instances that are remembered, the newest. */
const keptEnded = 1_000;

export function createInstances(options: InstancesOptions): Instances {
  return new Instances(options);
}

export type { Instances };

class Instances implements NodeInstances {
  readonly #options: InstancesOptions;
  readonly #file: string;
  readonly #sandboxes: string;
  readonly #known = new Map<string, NodeInstance>();
  /** Whoever runs a container removes it soon after its end, so how it ended is heard of Docker's events. */
  readonly #exits = createExits();
  /** Containers that were looked at: their task, or undefined for those of others. */
  #seen = new Map<string, string | undefined>();
  readonly #watchers = new Set<() => void>();
  readonly #stopping = new AbortController();
  #working: Promise<unknown>[] = [];
  #isHinted = false;
  #wake: () => void = () => undefined;
  #problem: string | undefined;

  constructor(options: InstancesOptions) {
    this.#options = options;
    this.#file = join(options.data, 'node/instances.json');
    this.#sandboxes = join(options.data, 'engine/sandboxes');
  }

  /** Resolves after the first look, whether Docker answers or not. */
  async start(): Promise<void> {
    for (const instance of await readInstances(this.#file)) {
      this.#known.set(instance.id, instance);
    }
    await this.#look();
    const { signal } = this.#stopping;
    const onHint = () => this.#hint();
    const onEvent = this.#exits.note;
    this.#working = [
      this.#lookAgain(),
      followDocker({ ...this.#options, onHint, onEvent, signal }),
    ];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await Promise.all(this.#working);
  }

  async find(id: string): Promise<NodeInstance | undefined> {
    const known = this.#known.get(id);
    if (known?.running) return known;
    const instance = known ?? this.#left(id);
    if (!instance) return undefined;
    const info = await stat(instance.sandbox).catch(() => undefined);
    if (info?.isDirectory()) {
      // Nobody saw it end; its folder changed last before.
      return this.#withExit(known ?? { ...instance, endedAt: info.mtimeMs });
    }
    if (known?.endedAt !== undefined) this.#known.delete(id);
    return known?.endedAt === undefined ? known : undefined;
  }

  list(): NodeInstance[] {
    return [...this.#known.values()];
  }

  async ofApp(app: string): Promise<NodeInstance[]> {
    const known = this.list().flatMap((instance) => (instance.app === app ? instance.id : []));
    const folders = await readdir(this.#sandboxes).catch(() => []);
    const left = folders.filter((id) => this.#left(id)?.app === app);
    const found = [...new Set([...known, ...left])].map((id) => this.find(id));
    return (await Promise.all(found)).filter((instance) => instance !== undefined);
  }

  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => void this.#watchers.delete(onChange);
  }

  /** An instance of the engine that ended while no node looked, as its folder's name tells. */
  #left(id: string): NodeInstance | undefined {
    const app = appOfInstance(id);
    if (app === undefined || !/^[A-Za-z0-9._-]+$/.test(id)) return undefined;
    return { id, app, sandbox: join(this.#sandboxes, id), folders: ['logs'] };
  }

  #withExit(instance: NodeInstance): NodeInstance {
    const exit = instance.endedAt === undefined ? undefined : this.#exits.of(instance.id);
    return exit ? { ...instance, exit } : instance;
  }

  #hint(): void {
    this.#isHinted = true;
    this.#wake();
  }

  async #lookAgain(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (!this.#isHinted) await this.#waitForHint();
      await delay(hintPause, undefined, { signal }).catch(() => undefined);
      this.#isHinted = false;
      if (!signal.aborted) await this.#look();
    }
  }

  #waitForHint(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, lookEvery);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** While Docker is away what is known stays as it is. */
  async #look(): Promise<void> {
    const { log } = this.#options;
    try {
      const isChanged = await this.#compare();
      this.#problem = undefined;
      if (!isChanged) return;
      await this.#forget();
      for (const onChange of this.#watchers) onChange();
      await saveInstances(this.#file, this.list());
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== this.#problem) log.warn({ error: problem }, 'the node cannot look at Docker');
      this.#problem = problem;
    }
  }

  /** Answers whether anything changed. */
  async #compare(): Promise<boolean> {
    const { docker } = this.#options;
    const containers = await docker.listContainers({ all: true, filters: { label: [taskLabel] } });
    const seen = new Map(containers.map(({ Id }) => [Id, this.#seen.get(Id)]));
    const news = containers.filter(
      ({ Id, State }) => !this.#seen.has(Id) || this.#isNews(seen.get(Id), State),
    );
    const found = await pLimit(askedAtOnce).map(news, async ({ Id }) => {
      const task = await this.#read(Id);
      seen.set(Id, task);
      return task;
    });
    this.#seen = seen;
    return this.#endMissing(new Set(seen.values())) || found.some((task) => task !== undefined);
  }

  /** Answers the task of a container; undefined for those of others. */
  async #read(container: string): Promise<string | undefined> {
    const { docker, install } = this.#options;
    const info = await docker.getContainer(container).inspect().catch(unlessGone);
    const instance = info && instanceOf(info, install);
    if (instance) this.#known.set(instance.id, this.#withExit(instance));
    return instance?.id;
  }

  /** A container that starts again has another process. */
  #isNews(task: string | undefined, state: string): boolean {
    if (task === undefined) return false;
    const known = this.#known.get(task);
    const isRunning = state === 'running' || state === 'paused';
    const isEnded = state === 'exited' || state === 'dead';
    if (known?.running && !isProcess(known.running.pid)) return true;
    return isRunning ? !known?.running : isEnded && known?.endedAt === undefined;
  }

  #endMissing(present: Set<string | undefined>): boolean {
    let isChanged = false;
    for (const [id, { running: _, ...instance }] of this.#known) {
      if (instance.endedAt !== undefined || present.has(id)) continue;
      this.#known.set(id, this.#withExit({ ...instance, endedAt: Date.now() }));
      isChanged = true;
    }
    return isChanged;
  }

  /** Forgets ended instances whose folder is gone, and the oldest beyond what is kept. */
  async #forget(): Promise<void> {
    const folders = new Set(await readdir(this.#sandboxes).catch(() => []));
    const ended = this.list()
      .filter(({ endedAt }) => endedAt !== undefined)
      .sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0));
    for (const [index, { id, sandbox }] of ended.entries()) {
      const isOfEngine = sandbox === join(this.#sandboxes, id);
      if (index >= keptEnded || (isOfEngine && !folders.has(id))) this.#known.delete(id);
    }
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Without the right to ask there is no telling, and the next event tells.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function unlessGone(error: { statusCode?: number }): undefined {
  if (error.statusCode !== 404) throw error;
}
