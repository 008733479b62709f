/** Everything on one machine: private parts where no real ones are set, the engine, and all roles. */
import { join } from 'node:path';
import { z } from 'zod';
import {
  type Config,
  childEnvironment,
  engineUrlOf,
  marathonAddresses,
  readConfig,
  readSettings,
} from '../src/config.ts';
import { localUrlOf } from '../src/core/address.ts';
import { basicAuthorization } from '../src/core/basic-login.ts';
import { messageOf } from '../src/core/errors.ts';
import type { Log } from '../src/core/log.ts';
import { createEkiden, type ReadyConfig } from '../src/ekiden.ts';
import { keepChild } from '../src/embedded/child.ts';
import { claimFolder } from '../src/embedded/claim.ts';
import { startRedis } from '../src/embedded/redis.ts';
import { startRegistry } from '../src/embedded/registry.ts';
import { frameworkIdOf } from '../src/engine/identity.ts';
import { createLog } from '../src/log.ts';
import { writeEngineLogin } from './engine-login.ts';
import { roleNames } from './role-names.ts';
import { startRoles } from './roles.ts';
import type { Runner } from './runner.ts';

interface UpOptions {
  /** Path of the compiled command line, which the engine's process is started with. */
  cli: string;
  /** Gives the start up. */
  abandon: AbortSignal;
}

/** Starts all or nothing. @throws SetupError also when another Ekiden runs on the data folder. */
export async function startUp(options: UpOptions): Promise<Runner & { config: ReadyConfig }> {
  const config = readConfig();
  const log = createLog(config.logLevel, 'up');
  for (const warning of readSettings().warnings) log.warn({ warning }, 'a setting needs attention');
  const { abandon } = options;
  const { stop, stopLater } = createStops();
  try {
    stopLater(await claimFolder(config.data));
    const parts = await startParts({ ...options, config, log });
    stopLater(parts.stop);
    const ready = { ...config, ...parts.addresses, url: config.url ?? localUrlOf(config.listen) };
    const ekiden = createEkiden(ready, log);
    stopLater(() => ekiden.close());
    const roles = await startRoles(ekiden, roleNames, abandon);
    stopLater(roles.stop);
    return { config: ready, stop };
  } catch (error) {
    await stop().catch((problem) =>
      log.warn({ error: messageOf(problem) }, 'a part did not stop well'),
    );
    throw error;
  }
}

/** What is to be stopped, the last first; when one fails, the others are stopped all the same. */
function createStops() {
  const stops: (() => Promise<void>)[] = [];
  return {
    stopLater: (stop: () => Promise<void>) => void stops.push(stop),
    async stop() {
      const errors: unknown[] = [];
      for (const stop of stops.toReversed()) {
        await stop().catch((error: unknown) => errors.push(error));
      }
      if (errors.length > 0) throw errors[0];
    },
  };
}

interface PartsOptions extends UpOptions {
  config: Config;
  log: Log;
}

type Addresses = Pick<ReadyConfig, 'redisUrl' | 'registryUrl' | 'marathonUrl'>;

/** Starts the parts that no setting names; when one fails, the others are stopped. */
async function startParts(options: PartsOptions) {
  const { config, log, abandon } = options;
  const running: Runner[] = [];
  const keep = async <T extends Runner>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    running.push(part);
    return part;
  };
  const stop = async () => {
    await Promise.all(running.map((part) => part.stop()));
  };
  const common = { ...config, env: childEnvironment(), log, abandon };
  const results = await Promise.allSettled([
    config.redisUrl ?? keep(startRedis(common)).then((redis) => redis.url),
    config.registryUrl ??
      keep(startRegistry({ ...common, listen: config.registryListen })).then(
        () => config.registryListen,
      ),
    marathonAddresses(config) ??
      keep(startEngineProcess(options)).then(() => [
        engineUrlOf(config.engineListen, config.engineCredentials),
      ]),
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
async function startEngineProcess({ config, cli, log, abandon }: PartsOptions): Promise<Runner> {
  const { engineListen: listen, dockerHost, install, engineImage, drain } = config;
  const { engineCpus: cpus, engineMem: mem, engineAttributes, engineCredentials: login } = config;
  const data = join(config.data, 'engine');
  const id = frameworkIdOf({ install, data });
  const dockerConfig = await writeEngineLogin(data, config);
  const headers = login ? { authorization: basicAuthorization(login) } : {};
  return keepChild({
    name: 'engine',
    command: process.execPath,
    args: [
      ...[cli, 'engine', '--listen', listen, '--data', data, '--docker', dockerHost],
      ...['--install', install, '--image', engineImage, '--drain', String(drain)],
      ...(cpus === undefined ? [] : ['--cpus', String(cpus)]),
      ...(mem === undefined ? [] : ['--mem', String(mem)]),
      ...['--attributes', engineAttributes],
      ...(dockerConfig === undefined ? [] : ['--docker-config', dockerConfig]),
      ...(login === undefined ? [] : ['--credentials-file', login.file]),
    ],
    env: childEnvironment(),
    data: config.data,
    async isReady() {
      const signal = AbortSignal.timeout(1_000);
      const info = await (await fetch(`${localUrlOf(listen)}/v2/info`, { signal, headers })).json();
      return infoSchema.parse(info).frameworkId === id;
    },
    hint: `See that Docker answers at ${dockerHost} and that ${listen} is free. Or set MARATHON_URL.`,
    log,
    abandon,
  });
}

const infoSchema = z.object({ frameworkId: z.string() });
