/** Looks at everything that an installation needs, and says what is there, what is missing, and what mends it. */
import { join } from 'node:path';
import type { MarathonOptions } from '../clients/marathon.ts';
import { type Address, addressOf, localUrlOf } from '../core/address.ts';
import { type BuildLimitsOptions, buildLimitsChecks } from './build-limits.ts';
import {
  type Check,
  type Finding,
  failed,
  fine,
  type Outcome,
  runChecks,
  skipped,
} from './check.ts';
import { checkDataFolder, checkDockerFolder } from './disk.ts';
import { checkDocker } from './docker.ts';
import { checkToken, createGreeting } from './gitlab.ts';
import { findCallback } from './gitlab-callback.ts';
import { createAsk, type GitLabAccess } from './gitlab-client.ts';
import { checkMarathon } from './marathon.ts';
import { checkNginx, checkNginxAddress, type NginxCheckOptions } from './nginx.ts';
import { checkNode, checkProgram, leastRedis } from './programs.ts';
import { checkRedis } from './redis.ts';
import { checkRegistry } from './registry.ts';
import { checkTemplates } from './templates.ts';

export interface DoctorOptions {
  /** What is wrong with the settings, one sentence each. */
  problems: string[];
  warnings: string[];
  /** Undefined where no GitLab is set. */
  gitlab: GitLabAccess | undefined;
  /** `group/name` of the project that keeps templates; undefined where there is none. */
  templatesProject: string | undefined;
  /** How GitLab reaches Ekiden; undefined where it is not set. */
  url: string | undefined;
  listen: string;
  data: string;
  install: string;
  dockerHost: string;
  /** Of the role build. */
  builds: Omit<BuildLimitsOptions, 'dockerHost'>;
  /** Undefined where the private part is used, as with the next two. */
  redisUrl: string | undefined;
  registryUrl: string | undefined;
  /** By data centre, as the settings say. */
  marathons: Record<string, Omit<MarathonOptions, 'log'>> | undefined;
  registryListen: string;
  /** Of the embedded engine, with its login. */
  engineUrl: string;
  nginx: Omit<NginxCheckOptions, 'listen'> & { listen: string };
  /** Whether `ekiden up` runs on the data folder. */
  isUp: boolean;
}

export async function examine(options: DoctorOptions): Promise<Finding[]> {
  const gitlab = createGitLabChecks(options);
  try {
    return await runChecks([
      checkSettings(options),
      checkNode(),
      ...gitlab.checks,
      ...redisChecks(options),
      checkDocker(options.dockerHost),
      ...registryChecks(options),
      ...marathonChecks(options),
      ...nginxChecks(options),
      checkDataFolder(options.data),
      checkDockerFolder(options.dockerHost),
      ...buildLimitsChecks({ ...options.builds, dockerHost: options.dockerHost }),
    ]);
  } finally {
    gitlab.close();
  }
}

function checkSettings({ problems, warnings }: DoctorOptions): Check {
  return {
    name: 'Settings',
    run: async () => {
      const all = [
        ...problems.map((problem) => failed(problem)),
        ...warnings.map((warning): Outcome => ({ state: 'warn', found: warning })),
      ];
      const last = all.pop();
      const hint = 'All settings, and where they come from: ekiden settings';
      return last === undefined ? fine('complete') : [...all, { ...last, hint }];
    },
  };
}

const notUp = async () => skipped('not running: ekiden up starts it');

function createGitLabChecks({ gitlab, templatesProject, url, listen }: DoctorOptions) {
  if (!gitlab) {
    const run = async () => skipped('GITLAB_URL or GITLAB_TOKEN is missing');
    return { checks: [{ name: 'GitLab', run }], close: () => undefined };
  }
  const { ask, close } = createAsk(gitlab);
  const options = { ask, url: gitlab.url };
  const { reach, clock, whenReached } = createGreeting(options);
  const hookUrl = `${url ?? localUrlOf(listen)}/hooks/gitlab`;
  const callback = {
    name: 'GitLab hooks',
    run: whenReached(() =>
      findCallback({ ask, hookUrl, isUrlSet: url !== undefined, gitlabUrl: gitlab.url }),
    ),
  };
  const templates =
    templatesProject === undefined
      ? []
      : [checkTemplates({ ask, project: templatesProject }, whenReached)];
  const token = checkToken(options, whenReached);
  return { checks: [reach, token, callback, ...templates, clock], close };
}

function redisChecks({ redisUrl, data, isUp }: DoctorOptions): Check[] {
  if (redisUrl !== undefined) return [checkRedis({ url: redisUrl, isPrivate: false })];
  const program = 'redis-server';
  const installed = checkProgram({
    ...{ program, packages: program, setting: 'REDIS_URL', least: leastRedis },
  });
  const url = `unix://${join(data, 'redis/redis.sock')}`;
  return isUp ? [installed, checkRedis({ url, isPrivate: true })] : [installed];
}

function registryChecks(options: DoctorOptions): Check[] {
  const { registryUrl, registryListen, dockerHost, install, isUp } = options;
  const check = (registry: string) => checkRegistry({ registry, dockerHost, install });
  if (registryUrl !== undefined) return [check(registryUrl)];
  const program = 'docker-registry';
  const installed = checkProgram({ program, packages: program, setting: 'REGISTRY_URL' });
  const registry = isUp ? check(registryListen) : { name: 'Registry', run: notUp };
  return [installed, registry];
}

function marathonChecks({ marathons, engineUrl, isUp }: DoctorOptions): Check[] {
  if (marathons) {
    const all = Object.entries(marathons);
    return all.map(([dataCentre, connection]) =>
      checkMarathon({ ...connection, isEngine: false, ...(all.length > 1 ? { dataCentre } : {}) }),
    );
  }
  if (!isUp) return [{ name: 'Engine', run: notUp }];
  return [checkMarathon({ addresses: [engineUrl], isEngine: true })];
}

function nginxChecks({ nginx }: DoctorOptions): Check[] {
  const listen: Address = addressOf(nginx.listen);
  return [checkNginx({ ...nginx, listen }), checkNginxAddress({ ...nginx, listen })];
}
