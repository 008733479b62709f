/** Everything on one machine: private parts where no real ones are set, the engine, and all roles. */
import { mkdir } from 'node:fs/promises';
import { type Config, childEnvironment, readConfig } from '../src/config.ts';
import type { Log } from '../src/core/log.ts';
import { createEkiden, type ReadyConfig } from '../src/ekiden.ts';
import { keepChild } from '../src/embedded/child.ts';
import { startRedis } from '../src/embedded/redis.ts';
import { startRegistry } from '../src/embedded/registry.ts';
import { createLog } from '../src/log.ts';
import { startRoles } from './roles.ts';
import type { Runner } from './runner.ts';

/** @param cli Path of the compiled command line, which the engine's process is started with. */
export async function startUp(cli: string): Promise<Runner & { config: ReadyConfig }> {
  const config = readConfig();
  const log = createLog(config.logLevel, 'up');
  await mkdir(config.data, { recursive: true });
  const parts = await startParts(config, cli, log);
  try {
    const ready = { ...config, ...parts.addresses, url: config.url ?? defaultUrl(config.listen) };
    const ekiden = createEkiden(ready, log);
    const roles = await startRoles(ekiden, ['web', 'build', 'deploy', 'watch', 'balance']).catch(
      async (error: unknown) => {
        await ekiden.close();
        throw error;
      },
    );
    return {
      config: ready,
      async stop() {
        await roles.stop();
        await ekiden.close();
        await parts.stop();
      },
    };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

type Addresses = Pick<ReadyConfig, 'redisUrl' | 'registryUrl' | 'marathonUrl'>;

/** Starts the parts that no setting names; when one fails, the others are stopped. */
async function startParts(config: Config, cli: string, log: Log) {
  const running: Runner[] = [];
  const keep = async <T extends Runner>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    running.push(part);
    return part;
  };
  const stop = async () => {
    await Promise.all(running.map((part) => part.stop()));
  };
  const env = childEnvironment();
  const results = await Promise.allSettled([
    config.redisUrl ?? keep(startRedis({ ...config, env, log })).then((redis) => redis.url),
    config.registryUrl ??
      keep(startRegistry({ ...config, env, listen: config.registryListen, log })).then(
        () => config.registryListen,
      ),
    config.marathonUrl ??
      keep(startEngineProcess(config, cli, log)).then(() => [`http://${config.engineListen}`]),
  ]);
  const [redis, registry, marathon] = results;
  if (
    redis.status === 'fulfilled' &&
    registry.status === 'fulfilled' &&
    marathon.status === 'fulfilled'
  ) {
    const addresses: Addresses = {
      redisUrl: redis.value,
      registryUrl: registry.value,
      marathonUrl: marathon.value,
    };
    return { addresses, stop };
  }
  await stop();
  throw results.find((result) => result.status === 'rejected')?.reason;
}

/** The engine is a process of its own behind HTTP, as a real Marathon would be. */
function startEngineProcess(config: Config, cli: string, log: Log): Promise<Runner> {
  const { engineListen: listen, data, dockerHost, install, engineImage, drain } = config;
  return keepChild({
    name: 'engine',
    command: process.execPath,
    args: [
      ...[cli, 'engine', '--listen', listen, '--data', `${data}/engine`, '--docker', dockerHost],
      ...['--install', install, '--image', engineImage, '--drain', String(drain)],
    ],
    env: childEnvironment(),
    data,
    async isReady() {
      const answer = await fetch(`http://${listen}/ping`, { signal: AbortSignal.timeout(1_000) });
      return (await answer.text()).startsWith('pong');
    },
    hint: `See that Docker answers at ${dockerHost} and that ${listen} is free. Or set MARATHON_URL.`,
    log,
  });
}

function defaultUrl(listen: string): string {
  return `http://${listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:')}`;
}
