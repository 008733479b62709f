/** Every setting of Ekiden, declared once; the only reader of process.env. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { buildSettings } from './config-builds.ts';
import { dataCentreProblems, marathonSettings } from './config-data-centres.ts';
import { engineSettings } from './config-engine.ts';
import { type FileReading, readConfigFile } from './config-file.ts';
import {
  type Environment,
  type Found,
  findUnknown,
  findValue,
  type Setting,
  secret,
  setting,
} from './config-reading.ts';
import {
  address,
  certificates,
  dockerHost,
  domain,
  proxies,
  seconds,
  token,
  url,
  whole,
} from './config-values.ts';
import { localUrlOf } from './core/address.ts';
import { SetupError } from './core/errors.ts';
import { redacted } from './core/secret.ts';

export { marathonAddresses, withoutUser } from './config-data-centres.ts';
export { engineUrlOf } from './config-engine.ts';

/** Name → environment variable, type with default, and help; docs and checks come from here. */
export const settings = {
  gitlabUrl: setting('GITLAB_URL', url, 'Address of your GitLab.'),
  gitlabToken: secret('GITLAB_TOKEN', token, 'Token of the bot user, scope api.'),
  gitlabCa: setting(
    'GITLAB_CA',
    certificates.optional(),
    'File with the certificates (PEM) of the private authority that signed that of GitLab.',
  ),
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
  url: setting(
    'EKIDEN_URL',
    url.optional(),
    'How GitLab and people reach Ekiden; behind a proxy also with a path.',
  ),
  proxies: setting(
    'EKIDEN_PROXIES',
    proxies.default(['loopback']),
    'Addresses and subnets of proxies whose X-Forwarded headers are believed; also loopback, linklocal, uniquelocal, or none.',
  ),
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
    domain.default('localhost'),
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
  registryUser: setting(
    'REGISTRY_USER',
    z.string().min(1).optional(),
    'User with whom Ekiden pushes to the registry, where that asks for a login.',
  ),
  registryPassword: secret(
    'REGISTRY_PASSWORD',
    z.string().min(1).optional(),
    'Password or token of REGISTRY_USER.',
  ),
  registryListen: setting(
    'EKIDEN_REGISTRY_LISTEN',
    address.default('127.0.0.1:7305'),
    'Where the private registry listens.',
  ),
  ...marathonSettings,
  ...engineSettings,
  maxInstances: setting(
    'EKIDEN_MAX_INSTANCES',
    whole(1).default(100),
    'Most instances that one service may ask for.',
  ),
  maxMemory: setting(
    'EKIDEN_MAX_MEMORY',
    whole(4).default(65_536),
    'Most MiB of memory that one instance may ask for.',
  ),
  nodeListen: setting(
    'EKIDEN_NODE_LISTEN',
    address.default('127.0.0.1:7309'),
    'Where the role node listens, which reads metrics and logs of the apps on its host.',
  ),
  nodeUrl: setting(
    'EKIDEN_NODE_URL',
    url.optional(),
    'How the role web reaches the role node of this host; default: by EKIDEN_NODE_LISTEN.',
  ),
  dockerHost: setting(
    'DOCKER_HOST',
    dockerHost.default('unix:///var/run/docker.sock'),
    'Docker daemon that builds, and on which the engine runs apps.',
  ),
  ...buildSettings,
  deployDeadline: setting(
    'EKIDEN_DEPLOY_DEADLINE',
    seconds.optional(),
    'Seconds until a deployment that is not healthy is reversed; default: three times what 95 of 100 of its app took, 5 minutes at first.',
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

/** What all sources say together. */
export interface SettingsReading {
  found: Record<SettingName, Found>;
  /** Everything that is wrong with the named settings, or is no setting; one sentence each. */
  problems: string[];
  /** What should be mended, and stops nothing. */
  warnings: string[];
}

const allNames = Object.keys(settings) as SettingName[];

/** Reads the named settings, or all, and throws nothing. */
export function readSettings(
  names: readonly SettingName[] = allNames,
  environment: Environment = process.env,
  reading?: FileReading,
): SettingsReading {
  const file = readConfigFile(environment['EKIDEN_CONFIG'], reading);
  const sources = { environment, file };
  const found = Object.fromEntries(
    allNames.map((name) => [name, findValue(name, settings[name], sources)]),
  ) as Record<SettingName, Found>;
  const problems = [
    ...(file?.problems ?? []),
    ...findUnknown(settings, sources),
    ...names.flatMap((name) => found[name].problem ?? []),
    ...(names.includes('dataCentres') ? dataCentreProblems(found) : []),
  ];
  const holdsSecret = allNames.some(
    (name) => file?.entries.has(name) && holdsSecretIn(settings[name], found[name]),
  );
  const exposed = file?.exposed && holdsSecret ? [file.path] : [];
  const warnings = exposed.map(
    (path) => `${path}: holds a secret, and others can read it. Run: chmod 600 ${path}`,
  );
  return { found, problems, warnings };
}

function holdsSecretIn({ secret, shown }: Setting, { value }: Found): boolean {
  return secret ?? (shown !== undefined && value !== undefined && shown(value).includes(redacted));
}

/**
 * Reads the named settings, or all.
 * @throws SetupError that lists every setting that is missing, wrong or unknown.
 */
export function readConfig<Name extends SettingName = SettingName>(
  names: readonly Name[] = allNames as Name[],
  environment: Environment = process.env,
  reading?: FileReading,
): ConfigOf<Name> {
  const { found, problems } = readSettings(names, environment, reading);
  if (problems.length > 0) {
    throw new SetupError(`Settings need attention:\n  ${problems.join('\n  ')}`, {
      code: 'E_SETTINGS',
      hint: 'README.md lists all settings; ekiden settings prints them with their sources.',
    });
  }
  return Object.fromEntries(names.map((name) => [name, found[name].value])) as ConfigOf<Name>;
}

/**
 * Where the command line finds Ekiden, and as whom: EKIDEN_TOKEN, which is no setting of Ekiden's
 * own, or on its machine GITLAB_TOKEN.
 */
export function readRemote(environment: Environment = process.env) {
  const reading = { ifAllowed: true };
  const { url, listen } = readConfig(['url', 'listen'], environment, reading);
  const { gitlabToken } = readSettings([], environment, reading).found;
  const token = environment['EKIDEN_TOKEN'] || gitlabToken.value;
  return { url: url ?? localUrlOf(listen), token: token as string | undefined };
}

/** What every client of GitLab needs to connect with. */
export function gitlabConnection(config: ConfigOf<'gitlabUrl' | 'gitlabToken' | 'gitlabCa'>) {
  return { url: config.gitlabUrl, token: config.gitlabToken, ca: config.gitlabCa?.pem };
}

/** What holds for a setting that nobody gives; undefined also where one is required. */
export function defaultOf<Name extends SettingName>(name: Name): Config[Name] | undefined {
  return settings[name].type.safeParse(undefined).data as Config[Name] | undefined;
}

/** What children of Ekiden get of its environment: nothing that is a secret. */
const harmless = [
  ...['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'],
  // The engine reads how much it is to say; the file itself is for its owner alone.
  'EKIDEN_CONFIG',
];

export function childEnvironment(environment: Environment = process.env): Environment {
  const names = [...harmless, settings.logLevel.env];
  return Object.fromEntries(names.map((name) => [name, environment[name]]));
}

function defaultData(): string {
  if (process.getuid?.() === 0) return '/var/lib/ekiden';
  return join(process.env['XDG_DATA_HOME'] || join(homedir(), '.local/share'), 'ekiden');
}
