/** Runs single roles, for machines that share Redis, a registry and Marathon. */
import { join } from 'node:path';
import { engineUrlOf, marathonAddresses, readConfig, readSettings } from '../src/config.ts';
import { SetupError } from '../src/core/errors.ts';
import type { ReadyConfig } from '../src/ekiden.ts';
import { createLog } from '../src/log.ts';
import { writeEngineLogin } from './engine-login.ts';
import { startNodeAlone } from './node-alone.ts';
import { engineName, parseRoles, type RoleName } from './role-names.ts';
import type { Runner } from './runner.ts';

/** @throws SetupError when a name is no role, or a setting that roles share is missing. */
export async function startNamedRoles(names: string[], abandon: AbortSignal): Promise<Runner> {
  const roles = parseRoles(names.filter((name) => name !== engineName));
  if (!names.includes(engineName)) return startRolesAlone(roles, abandon);
  const engine = await startEngineBeside();
  try {
    const others = await startRolesAlone(roles, abandon, engine.url);
    return {
      async stop() {
        await others.stop();
        await engine.stop();
      },
    };
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

/** The engine as `ekiden up` would have it, in this process. */
async function startEngineBeside() {
  const { startEngine } = await import('./engine.ts');
  const names = ['engineListen', 'data', 'dockerHost', 'install', 'engineImage', 'drain'] as const;
  const config = readConfig([
    ...names,
    ...(['engineCpus', 'engineMem', 'engineAttributes', 'logLevel'] as const),
    'engineCredentials',
    ...(['registryUrl', 'registryUser', 'registryPassword'] as const),
  ]);
  const data = join(config.data, 'engine');
  const dockerConfig = await writeEngineLogin(data, config);
  const { engineCredentials: login } = config;
  const engine = await startEngine({
    listen: config.engineListen,
    ...(login && { credentials: `${login.user}:${login.password}` }),
    data,
    ...(dockerConfig === undefined ? {} : { dockerConfig }),
    docker: config.dockerHost,
    install: config.install,
    image: config.engineImage,
    drainSeconds: config.drain,
    cpus: config.engineCpus,
    mem: config.engineMem,
    attributes: config.engineAttributes,
    log: createLog(config.logLevel, engineName),
  });
  return { stop: engine.stop, url: engineUrlOf(config.engineListen, login) };
}

/** `engine`: where one runs in this process, which is then Marathon unless a setting names another. */
async function startRolesAlone(
  roles: RoleName[],
  abandon: AbortSignal,
  engine?: string,
): Promise<Runner> {
  if (roles.join() === 'node') return startNodeAlone(abandon);
  const { url, redisUrl, registryUrl, ...config } = readConfig();
  const marathonUrl = marathonAddresses(config, engine);
  if (!url || !redisUrl || !registryUrl || !marathonUrl) {
    throw new SetupError(
      'Single roles need EKIDEN_URL, REDIS_URL, REGISTRY_URL, and MARATHON_URL or EKIDEN_DATA_CENTRES.',
      {
        code: 'E_SETTINGS',
        hint: 'Set them, or run all roles with private parts: ekiden up.',
      },
    );
  }
  const ready: ReadyConfig = { ...config, url, redisUrl, registryUrl, marathonUrl };
  const log = createLog(config.logLevel, roles.join('+'));
  for (const warning of readSettings().warnings) log.warn({ warning }, 'a setting needs attention');
  // Not before: a node alone needs none of it, and all of it takes tens of megabytes.
  const { createEkiden } = await import('../src/ekiden.ts');
  const { startRoles } = await import('./roles.ts');
  const ekiden = createEkiden(ready, log);
  try {
    const running = await startRoles(ekiden, roles, abandon);
    return {
      async stop() {
        await running.stop();
        await ekiden.close();
      },
    };
  } catch (error) {
    await ekiden.close();
    throw error;
  }
}
