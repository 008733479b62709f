/** Every role as a process of its own, over a Redis, a registry and a Marathon that the test can break. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { roleNames } from '../../runners/role-names.ts';
import { connectRedis } from '../../src/clients/redis.ts';
import { childEnvironment } from '../../src/config.ts';
import { silent } from '../../src/core/log.ts';
import { startRedis } from '../../src/embedded/redis.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { isReady, type StageState, type Starter } from '../demo/stage.ts';
import { type MarathonProxy, startMarathonProxy } from '../stand-ins/marathon/proxy.ts';

export type ProcessName = (typeof roleNames)[number] | 'engine';

export interface Separate {
  /** Gives the stage its processes. */
  starter: Starter;
  /** What the roles take for Marathon. */
  marathon: MarathonProxy;
  /** Ends a process as a crash does. */
  kill(...names: ProcessName[]): Promise<void>;
  start(...names: ProcessName[]): Promise<void>;
  /** Asks each to end, the last started first; answers their exit codes. */
  stopAll(): Promise<Record<string, number | null>>;
  /** Sends a signal to a part, which is brought back when it ends by it. */
  signal(part: 'redis' | 'registry' | 'nginx', name: NodeJS.Signals): Promise<void>;
  /** Has Redis write each change to the disk before it answers, so that a kill takes nothing. */
  flushAlways(): Promise<void>;
  /** Takes the registry away until it is started again. */
  stopRegistry(): Promise<void>;
  startRegistry(): Promise<void>;
}

interface Ways {
  args: string[];
  settings: Record<string, string>;
  isReady: () => Promise<boolean>;
}

export function createSeparate(install: string): Separate {
  const running = new Map<ProcessName, EkidenProcess>();
  const parts = {} as {
    state: StageState;
    ways: (name: ProcessName) => Ways;
    redis: Awaited<ReturnType<typeof startRedis>>;
    registry: Awaited<ReturnType<typeof startRegistry>>;
  };
  const separate = {} as Separate;

  async function start(name: ProcessName): Promise<void> {
    const { dataDir: data } = parts.state;
    running.set(name, await startEkidenProcess({ name, data, ...parts.ways(name) }));
  }

  return Object.assign(separate, {
    async starter(settings, state) {
      const common = { data: state.dataDir, env: childEnvironment(), log: silent };
      separate.marathon = await startMarathonProxy(state.marathonUrl);
      parts.state = state;
      parts.redis = await startRedis(common);
      parts.ways = waysOf({ settings, state, redis: parts.redis.url, ...separate.marathon });
      await separate.startRegistry();
      for (const name of ['engine', ...roleNames] as const) await start(name);
      return {
        async stop() {
          await separate.stopAll();
          await Promise.all([parts.redis.stop(), parts.registry.stop()]);
          await separate.marathon.stop();
        },
      };
    },
    async flushAlways() {
      const redis = connectRedis({ url: parts.redis.url });
      await redis.config('SET', 'appendfsync', 'always');
      redis.disconnect();
    },
    async kill(...names) {
      await Promise.all(names.map((name) => running.get(name)?.kill()));
    },
    async start(...names) {
      await Promise.all(names.map(start));
    },
    async stopAll() {
      const codes: Record<string, number | null> = {};
      for (const [name, process] of [...running].reverse()) codes[name] = await process.stop();
      running.clear();
      return codes;
    },
    async signal(part, name) {
      const record = join(parts.state.dataDir, 'run', `${part}.json`);
      process.kill(JSON.parse(await readFile(record, 'utf8')).pid, name);
    },
    stopRegistry: () => parts.registry.stop(),
    async startRegistry() {
      const { dataDir: data, registry: listen } = parts.state;
      const common = { data, env: childEnvironment(), log: silent };
      parts.registry = await startRegistry({ ...common, listen, install });
    },
  } satisfies Omit<Separate, 'marathon'>);
}

interface Addresses {
  settings: Record<string, string>;
  state: StageState;
  redis: string;
  /** Where the roles find Marathon. */
  url: string;
}

/** How each process is started. */
function waysOf({ settings, state, redis, url }: Addresses): (name: ProcessName) => Ways {
  const given = {
    ...settings,
    REDIS_URL: redis,
    REGISTRY_URL: state.registry,
    MARATHON_URL: url,
  };
  const engine = [
    ...['engine', '--listen', new URL(state.marathonUrl).host],
    ...['--data', join(state.dataDir, 'engine'), '--docker', settings['DOCKER_HOST'] ?? ''],
    ...['--install', settings['EKIDEN_INSTALL'] ?? ''],
  ];
  return (name) => ({
    args: name === 'engine' ? engine : [name],
    settings: given,
    async isReady() {
      if (name === 'web') return isReady(state);
      return name === 'engine' ? (await fetch(`${state.marathonUrl}/ping`)).ok : true;
    },
  });
}
