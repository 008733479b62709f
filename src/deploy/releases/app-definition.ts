/** Builds the Marathon app of a deployment; a function of data. */
import type { Deployment } from '../../core/deployment.ts';
import type { HealthSpec, ServiceSpec } from '../../core/manifest.ts';
import { routesLabel } from '../../core/upstream.ts';
import { hostsOf } from '../names.ts';
import { type Made, toLabels } from './release-labels.ts';

export interface AppOptions extends Made {
  domain: string;
  /** Variables from GitLab, which is their home: they win over those of the manifest. */
  env?: Record<string, string>;
}

/** Folder in an instance's sandbox that becomes the service's log folder. */
const logFolder = 'logs';

/** Marathon's app definition, complete, so that it can be sent again as it is. */
export function toApp(deployment: Deployment, options: AppOptions) {
  const { service } = deployment;
  return {
    id: deployment.app,
    instances: service.instances,
    cpus: service.cpus,
    mem: service.mem,
    ...commandOf(service),
    env: { LOG_DIR: service.logs, ...service.env, ...options.env },
    labels: labelsOf(deployment, options),
    container: {
      type: 'DOCKER',
      docker: { image: deployment.image, forcePullImage: false, privileged: false },
      volumes: [{ containerPath: service.logs, hostPath: logFolder, mode: 'RW' }],
      ...portMappingsOf(service),
    },
    ...networkOf(service),
    ...(service.constraints ? { constraints: service.constraints } : {}),
    healthChecks: healthChecksOf(service),
    // The old instances stay until all new ones are healthy beside them.
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    backoffSeconds: 1,
    backoffFactor: 1.5,
    maxLaunchDelaySeconds: 60,
    taskKillGracePeriodSeconds: 10,
  };
}

/** Addresses of an app, each `host` or `host/path`; none for a worker. */
export function addressesOf(deployment: Deployment, domain: string): string[] {
  const { service, serviceCount } = deployment;
  if (portsOf(service).length === 0 && service.ports !== 'auto') return [];
  return [
    ...hostsOf({ ...deployment, service: service.name }, { domain, serviceCount }),
    ...service.routes,
  ];
}

function labelsOf(deployment: Deployment, options: AppOptions) {
  const addresses = addressesOf(deployment, options.domain);
  return {
    ...toLabels(deployment, options),
    ...(addresses.length > 0 ? { [routesLabel]: addresses.join(',') } : {}),
  };
}

function commandOf({ command }: ServiceSpec): { cmd?: string; args?: string[] } {
  if (command === undefined) return {};
  return typeof command === 'string' ? { cmd: command } : { args: command };
}

function portsOf({ ports }: ServiceSpec): number[] {
  return Array.isArray(ports) ? ports : [];
}

/** The service's ports, and behind them one that only its check asks. */
function mappedPorts(service: ServiceSpec): number[] {
  const { health } = service;
  const asked = health === false || health.command !== undefined ? undefined : health.port;
  return [...new Set([...portsOf(service), ...(asked === undefined ? [] : [asked])])];
}

/** Several instances of one image can share a host only where each has ports of its own. */
function portMappingsOf(service: ServiceSpec) {
  if (service.ports === 'auto') return {};
  return {
    portMappings: mappedPorts(service).map((containerPort) => ({
      containerPort,
      hostPort: 0,
      protocol: 'tcp',
      name: `p${containerPort}`,
    })),
  };
}

function networkOf({ ports }: ServiceSpec) {
  if (ports !== 'auto') return { networks: [{ mode: 'container/bridge' }] };
  return {
    networks: [{ mode: 'host' }],
    portDefinitions: [{ port: 0, protocol: 'tcp', name: 'http' }],
    requirePorts: false,
  };
}

function healthChecksOf(service: ServiceSpec) {
  const { health } = service;
  if (health === false) return [];
  const common = {
    gracePeriodSeconds: health.grace,
    intervalSeconds: health.interval,
    timeoutSeconds: health.timeout,
    maxConsecutiveFailures: health.failures,
  };
  if (health.command !== undefined) {
    return [{ protocol: 'COMMAND', command: { value: health.command }, ...common }];
  }
  const portIndex = portIndexOf(service, health);
  if (portIndex === undefined) return [];
  return health.path === undefined
    ? [{ protocol: 'TCP', portIndex, ...common }]
    : [{ protocol: 'HTTP', path: health.path, portIndex, ...common }];
}

/** Undefined for a worker, which has nothing to ask. */
function portIndexOf(service: ServiceSpec, { port }: HealthSpec): number | undefined {
  if (service.ports === 'auto') return 0;
  const ports = mappedPorts(service);
  if (ports.length === 0) return undefined;
  return port === undefined ? 0 : ports.indexOf(port);
}
