/** Each role as a process of its own, over a Redis, a registry and an engine that are given to them. */
import { childEnvironment } from '../../src/config.ts';
import { silent } from '../../src/core/log.ts';
import { startRedis } from '../../src/embedded/redis.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { isReady, type Starter } from '../demo/stage.ts';

const roles = ['web', 'build', 'deploy', 'watch', 'balance'] as const;

export type RoleProcess = (typeof roles)[number] | 'engine';

export interface RoleProcesses {
  /** Starts what `ekiden up` would embed, then each role alone. */
  starter: Starter;
  running: Map<RoleProcess, EkidenProcess>;
  /** Starts one of them again; answers once it is there. */
  start(name: RoleProcess): Promise<void>;
}

export function createRoleProcesses(): RoleProcesses {
  const running = new Map<RoleProcess, EkidenProcess>();
  const starts = new Map<RoleProcess, () => Promise<EkidenProcess>>();
  const start = async (name: RoleProcess) => {
    const process = await starts.get(name)?.();
    if (process) running.set(name, process);
  };

  return {
    running,
    start,
    async starter(settings, state) {
      const { dataDir: data, registry, marathonUrl } = state;
      const common = { data, env: childEnvironment(), log: silent };
      const redis = await startRedis(common);
      const images = await startRegistry({ ...common, listen: registry, install: 'roles' });
      const given = { REDIS_URL: redis.url, REGISTRY_URL: registry, MARATHON_URL: marathonUrl };
      const plan = (name: RoleProcess, args: string[], ready: () => Promise<boolean>) =>
        starts.set(name, () =>
          startEkidenProcess({
            ...{ name, args, data, isReady: ready },
            settings: { ...settings, ...given },
          }),
        );
      plan('engine', engineArguments(settings, marathonUrl, data), async () => {
        return (await fetch(`${marathonUrl}/ping`)).ok;
      });
      plan('web', ['web'], () => isReady(state));
      for (const role of roles.slice(1)) plan(role, [role], async () => true);
      for (const name of starts.keys()) await start(name);
      return {
        async stop() {
          await Promise.all([...running.values()].map((process) => process.stop()));
          await Promise.all([redis.stop(), images.stop()]);
        },
      };
    },
  };
}

function engineArguments(settings: Record<string, string>, url: string, data: string): string[] {
  return [
    ...['engine', '--listen', new URL(url).host, '--data', `${data}/engine`],
    ...['--docker', settings['DOCKER_HOST'] ?? '', '--install', settings['EKIDEN_INSTALL'] ?? ''],
  ];
}
