/** Every setting of Ekiden, declared once; the only reader of process.env. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { SetupError } from './core/errors.ts';

const address = z
  .string()
  .regex(/^[^\s:]*:\d{1,5}$/, 'is not host:port')
  .refine((text) => Number(text.slice(text.indexOf(':') + 1)) <= 65_535, 'has a port above 65535')
  .transform((text) => (text.startsWith(':') ? `0.0.0.0${text}` : text));
const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));
const seconds = z.coerce.number().int().positive();
const pairs = z
  .string()
  .regex(/^(\w+=[^\s,]*)?(,\w+=[^\s,]*)*$/, 'is not a list NAME=value,NAME=value')
  .transform((text) =>
    Object.fromEntries(
      text
        .split(',')
        .filter(Boolean)
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  );

interface Setting<T extends z.ZodType = z.ZodType> {
  env: string;
  type: T;
  help: string;
  secret?: true;
}

function setting<T extends z.ZodType>(env: string, type: T, help: string): Setting<T> {
  return { env, type, help };
}

function secret<T extends z.ZodType>(env: string, type: T, help: string): Setting<T> {
  return { env, type, help, secret: true };
}

/** Name → environment variable, type with default, and help; docs and checks come from here. */
export const settings = {
  gitlabUrl: setting('GITLAB_URL', url, 'Address of your GitLab.'),
  gitlabToken: secret('GITLAB_TOKEN', z.string().min(1), 'Token of the bot user, scope api.'),
  hookSecret: secret(
    'EKIDEN_HOOK_SECRET',
    z.string().min(1).optional(),
    'What GitLab sends as X-Gitlab-Token with each hook; default: one that Ekiden makes and keeps.',
  ),
  signingToken: secret(
    'EKIDEN_SIGNING_TOKEN',
    z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{22,}={0,2}$/, 'is not whsec_ and the key in Base64')
      .optional(),
    'Signing token of the hooks (GitLab 19+); with it, unsigned deliveries are refused.',
  ),
  listen: setting('EKIDEN_LISTEN', address.default('0.0.0.0:7300'), 'Where Ekiden listens.'),
  url: setting('EKIDEN_URL', url.optional(), 'How GitLab and people reach Ekiden.'),
  data: setting('EKIDEN_DATA', z.string().default(defaultData()), 'Folder for all that is kept.'),
  install: setting(
    'EKIDEN_INSTALL',
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'may hold a-z, 0-9 and - only')
      .default('ekiden'),
    'Name of this installation; all that it makes is labelled with it.',
  ),
  domain: setting(
    'EKIDEN_DOMAIN',
    z
      .string()
      .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'is no domain name in lower case')
      .default('localhost'),
    'Apps answer at names below this domain.',
  ),
  nginxListen: setting(
    'NGINX_LISTEN',
    address.default('0.0.0.0:8000'),
    'Where nginx answers for the apps.',
  ),
  nginxMode: setting(
    'EKIDEN_NGINX_MODE',
    z.enum(['auto', 'dynamic', 'file']).default('auto'),
    'How nginx learns of changes: without reload (needs Lua) or by file.',
  ),
  redisUrl: setting(
    'REDIS_URL',
    z
      .string()
      .regex(/^(rediss?|unix):\/\/./, 'is neither redis://…, rediss://… nor unix:///path')
      .optional(),
    'Redis with AOF; default: a private one in the data folder.',
  ),
  registryUrl: setting(
    'REGISTRY_URL',
    z
      .string()
      .regex(
        /^[a-z0-9.-]+(:\d{1,5})?(\/[a-z0-9._-]+)*$/,
        'is not host:port[/prefix], without http://',
      )
      .optional(),
    'Docker registry as host:port[/prefix]; default: a private one on loopback.',
  ),
  registryListen: setting(
    'EKIDEN_REGISTRY_LISTEN',
    address.default('127.0.0.1:7305'),
    'Where the private registry listens.',
  ),
  marathonUrl: setting(
    'MARATHON_URL',
    z
      .string()
      .transform((text) => text.split(',').map((part) => part.trim()))
      .pipe(z.array(url).min(1))
      .optional(),
    'Addresses of Marathon, separated by commas; default: the engine on the local Docker.',
  ),
  engineListen: setting(
    'EKIDEN_ENGINE_LISTEN',
    address.default('127.0.0.1:7308'),
    'Where the embedded engine listens.',
  ),
  engineImage: setting(
    'EKIDEN_ENGINE_IMAGE',
    z.string().default('busybox:1.36'),
    'Image for apps of the engine that name none.',
  ),
  drain: setting(
    'EKIDEN_DRAIN',
    z.coerce.number().min(0).default(5),
    'Seconds that the engine lets an instance serve on after it was taken out of the balancers.',
  ),
  dockerHost: setting(
    'DOCKER_HOST',
    z.string().default('unix:///var/run/docker.sock'),
    'Docker daemon that builds, and on which the engine runs apps.',
  ),
  buildArgs: setting(
    'EKIDEN_BUILD_ARGS',
    pairs.default({}),
    'Build args for each Dockerfile that declares them, such as NODE_IMAGE=registry/node:20.',
  ),
  buildSlots: setting(
    'EKIDEN_BUILD_SLOTS',
    z.coerce.number().int().min(1).max(64).default(2),
    'Builds that one build role runs at a time.',
  ),
  buildTimeout: setting('EKIDEN_BUILD_TIMEOUT', seconds.default(3600), 'Seconds a build may take.'),
  deployDeadline: setting(
    'EKIDEN_DEPLOY_DEADLINE',
    seconds.default(300),
    'Seconds until a deployment that is not healthy is reversed.',
  ),
  logLevel: setting(
    'EKIDEN_LOG_LEVEL',
    z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    'How much Ekiden says about its own work.',
  ),
} as const;

type Settings = typeof settings;
export type SettingName = keyof Settings;

/** All settings with their values; optional ones are undefined where a default part is used. */
export type Config = { [Name in SettingName]: z.output<Settings[Name]['type']> };

/** The settings that one role needs, so that an engine asks for no GitLab. */
export type ConfigOf<Name extends SettingName> = Pick<Config, Name>;

type Environment = Record<string, string | undefined>;

/**
 * Reads the named settings, or all.
 * @throws SetupError that lists every setting that is missing or wrong.
 */
export function readConfig<Name extends SettingName = SettingName>(
  names: readonly Name[] = Object.keys(settings) as Name[],
  environment: Environment = process.env,
): ConfigOf<Name> {
  const problems: string[] = [];
  const values = names.map((name) => {
    const { env, type, help } = settings[name];
    const text = environment[env];
    const parsed = type.safeParse(text === '' ? undefined : text);
    if (parsed.success) return [name, parsed.data];
    const what = text ? (parsed.error.issues[0]?.message ?? 'is wrong') : 'is not set';
    problems.push(`${env}: ${what}. ${help}`);
    return [name, undefined];
  });
  if (problems.length > 0) {
    throw new SetupError(`Settings need attention:\n  ${problems.join('\n  ')}`, {
      code: 'E_SETTINGS',
      hint: 'Set them in the environment; README.md lists all settings.',
    });
  }
  return Object.fromEntries(values) as ConfigOf<Name>;
}

/** What children of Ekiden get of its environment: nothing that is a secret. */
const harmless = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];

export function childEnvironment(environment: Environment = process.env): Environment {
  const names = [...harmless, settings.logLevel.env];
  return Object.fromEntries(names.map((name) => [name, environment[name]]));
}

function defaultData(): string {
  if (process.getuid?.() === 0) return '/var/lib/ekiden';
  return join(process.env['XDG_DATA_HOME'] || join(homedir(), '.local/share'), 'ekiden');
}
