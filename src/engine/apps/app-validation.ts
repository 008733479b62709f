/** The rules that a full app definition must keep, worded as Marathon words them. */
import { type Complaint, invalidObject } from '../api/api-error.ts';
import { parameterProblem } from '../docker/docker-parameters.ts';
import { artifactProblem } from '../fetch/artifact.ts';
import { constraintProblem } from '../launch/constraints.ts';
import type { Unversioned } from './app-definition.ts';
import { dependencyProblem, idProblem } from './app-id.ts';
import { runsOnNode } from './check-definition.ts';

type Rule = (app: Unversioned) => Iterable<[path: string, error: string]>;

const RULES: Rule[] = [
  idRule,
  commandRule,
  envRule,
  dependencyRule,
  singletonRule,
  networkRule,
  portRule,
  healthCheckRule,
  readinessRule,
  volumeRule,
  parameterRule,
  constraintRule,
  fetchRule,
  limitRule,
  unsupportedRule,
];

/** Throws Marathon's 422 with all broken rules, grouped by path. */
export function ensureValidApp(app: Unversioned, prefix = ''): void {
  const found = new Map<string, string[]>();
  for (const rule of RULES) {
    for (const [path, error] of rule(app)) {
      const at = prefix + path;
      found.set(at, [...(found.get(at) ?? []), error]);
    }
  }
  const details: Complaint[] = [...found].map(([path, errors]) => ({ path, errors }));
  if (details.length > 0) throw invalidObject(details);
}

function* idRule(app: Unversioned): Generator<[string, string]> {
  const problem = idProblem(app.id);
  if (problem) yield ['/id', problem];
}

function* commandRule(app: Unversioned): Generator<[string, string]> {
  const hasImage = app.container?.docker !== undefined;
  if ((app.cmd !== undefined && app.args) || (app.cmd === undefined && !app.args && !hasImage)) {
    yield ['/', "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."];
  }
  if (app.container?.type === 'DOCKER' && !hasImage) yield ['/container/docker', 'not defined'];
}

/** With another name the container would get another variable, or not start. */
function* envRule({ env = {} }: Unversioned): Generator<[string, string]> {
  for (const name of Object.keys(env)) {
    if (name === '') yield ['/env/', 'must not be empty'];
    if (name.includes('=')) yield [`/env/${name}`, 'must not contain ='];
  }
}

function* dependencyRule({ id, dependencies = [] }: Unversioned): Generator<[string, string]> {
  if (dependencies.includes(id)) {
    yield ['/dependencies', 'Dependency graph has cyclic dependencies.'];
  }
  for (const [index, dependency] of dependencies.entries()) {
    const problem = dependencyProblem(dependency);
    if (problem) yield [`/dependencies(${index})`, problem];
  }
}

function* singletonRule({ labels, instances }: Unversioned): Generator<[string, string]> {
  if (labels['MARATHON_SINGLE_INSTANCE_APP'] === 'true' && instances > 1) {
    yield ['/instances', `got ${instances}, expected 1 or less`];
  }
}

function* networkRule(app: Unversioned): Generator<[string, string]> {
  const modes = new Set(app.networks.map(({ mode }) => mode));
  if (modes.size > 1) yield ['/networks', 'Networks of different modes may not be combined.'];
  if (modes.has('container') && app.networks.length > 1) {
    yield ['/networks', 'may only specify a single container network when using the Docker engine'];
  }
  const onHost = modes.has('host');
  if (onHost && app.container?.portMappings?.length) {
    yield ['/container/portMappings', 'portMappings are not allowed with host-networking'];
  }
  if (!onHost && app.portDefinitions) {
    yield ['/portDefinitions', 'portDefinitions are only allowed with host-networking'];
  }
  for (const [index, network] of app.networks.entries()) {
    if (network.mode === 'container' && network.name === undefined) {
      yield [`/networks(${index})/name`, 'not defined'];
    }
  }
}

function* portRule(app: Unversioned): Generator<[string, string]> {
  const listed = app.portDefinitions ?? app.container?.portMappings ?? [];
  const at = app.portDefinitions ? '/portDefinitions' : '/container/portMappings';
  const names = listed.map(({ name }) => name).filter((name) => name !== undefined);
  if (new Set(names).size < names.length) yield [at, 'Port names must be unique.'];
  const fixed = (app.portDefinitions ?? []).map(({ port }) => port).filter((port) => port > 0);
  if (new Set(fixed).size < fixed.length) yield [at, 'Ports must be unique.'];
}

function* healthCheckRule(app: Unversioned): Generator<[string, string]> {
  const checks = app.healthChecks ?? [];
  const ports = (app.portDefinitions ?? app.container?.portMappings ?? []).length;
  const runsInDocker = app.container?.type === 'DOCKER';
  const onNode = checks.filter((check) => runsOnNode(check) && check.protocol !== 'COMMAND');
  if (onNode.length > 1) {
    yield ['/', 'AppDefinition can contain at most one Mesos health check'];
  }
  for (const [index, check] of checks.entries()) {
    const at = `/healthChecks(${index})`;
    if (check.ipProtocol === 'IPv6' && !(onNode.includes(check) && runsInDocker)) {
      yield [
        at,
        'IPv6 can only be used for container type DOCKER and Mesos http/https/tcp health checks',
      ];
    }
    if (check.protocol === 'COMMAND' && !check.command) yield [`${at}/command`, 'not defined'];
    // What the node asks is not looked at by Marathon, and fails there where the port is missing.
    if (!runsOnNode(check) && check.portIndex !== undefined && check.portIndex >= ports) {
      yield [
        at,
        'Health check port indices must address an element of the ports array or container port mappings.',
      ];
    }
  }
}

function* readinessRule(app: Unversioned): Generator<[string, string]> {
  const checks = app.readinessChecks ?? [];
  if (checks.length > 1) yield ['/readinessChecks', 'must have at most 1 element'];
  const listed = app.portDefinitions ?? app.container?.portMappings ?? [];
  for (const [index, check] of checks.entries()) {
    if (!listed.some(({ name }) => name === check.portName)) {
      yield [
        `/readinessChecks(${index})/portName`,
        `No port definition reference for portName ${check.portName}`,
      ];
    }
    if (check.timeoutSeconds >= check.intervalSeconds) {
      yield [
        `/readinessChecks(${index})/timeoutSeconds`,
        `got ${check.timeoutSeconds}, expected less than ${check.intervalSeconds}`,
      ];
    }
  }
}

function* volumeRule(app: Unversioned): Generator<[string, string]> {
  for (const [index, volume] of (app.container?.volumes ?? []).entries()) {
    const at = `/container/volumes(${index})`;
    if (volume.persistent || volume.external || volume.secret !== undefined) {
      yield [at, 'this engine supports host volumes only'];
    } else if (volume.hostPath === undefined) {
      yield [`${at}/hostPath`, 'not defined'];
    } else if (volume.hostPath.split('/').includes('..')) {
      yield [`${at}/hostPath`, 'must not contain ..'];
    }
    if (!volume.containerPath.startsWith('/')) {
      yield [`${at}/containerPath`, 'must be an absolute path'];
    }
  }
}

function* parameterRule(app: Unversioned): Generator<[string, string]> {
  for (const [index, parameter] of (app.container?.docker?.parameters ?? []).entries()) {
    const problem = parameterProblem(parameter);
    if (problem) yield [`/container/docker/parameters(${index})`, problem];
  }
}

function* fetchRule(app: Unversioned): Generator<[string, string]> {
  for (const [index, artifact] of (app.fetch ?? []).entries()) {
    const [field, problem] = artifactProblem(artifact) ?? [];
    if (problem !== undefined) yield [`/fetch(${index})/${field}`, problem];
  }
}

function* limitRule({ cpus, mem, resourceLimits }: Unversioned): Generator<[string, string]> {
  for (const [name, least] of Object.entries({ cpus, mem })) {
    const limit = resourceLimits?.[name as 'cpus' | 'mem'];
    if (typeof limit === 'number' && limit < least) {
      yield [`/resourceLimits/${name}`, `must be at least ${name}, which is ${least}`];
    }
  }
}

function* constraintRule(app: Unversioned): Generator<[string, string]> {
  for (const [index, constraint] of (app.constraints ?? []).entries()) {
    const problem = constraintProblem(constraint);
    if (problem) yield [`/constraints(${index})`, problem];
  }
}

/** What a definition asks for must be done or refused, never silently left out. */
function* unsupportedRule(app: Unversioned): Generator<[string, string]> {
  for (const field of ['pullConfig', 'credential'] as const) {
    if (app.container?.docker?.[field] === undefined) continue;
    const instead = 'bring .docker/config.json by fetch, or start the engine with --docker-config';
    yield [
      `/container/docker/${field}`,
      `is not supported with the Docker containerizer; ${instead}`,
    ];
  }
  if (app.secrets) yield ['/secrets', 'Feature secrets is not enabled.'];
  for (const [name, value] of Object.entries(app.env ?? {})) {
    if (typeof value !== 'string') yield [`/env/${name}`, 'Feature secrets is not enabled.'];
  }
}
