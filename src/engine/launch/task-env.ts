/** The environment that Marathon and Mesos give to every task. */
import type { App } from '../apps/app-definition.ts';
import { servicePortsOf } from '../apps/service-ports.ts';

/** Where the sandbox is mounted in a container, as Mesos does. */
export const SANDBOX_MOUNT = '/mnt/mesos/sandbox';

export interface TaskPlace {
  taskId: string;
  host: string;
  /** One per declared port: the host port, or the container's own where none is published. */
  ports: number[];
  /** Whether the app's group lets in its own role only. */
  enforcesRole: boolean;
}

/** Variables by name; the app's own `env` wins over all. */
export function taskEnv(app: App, place: TaskPlace): Record<string, string> {
  const image = app.container?.docker?.image;
  return {
    MESOS_TASK_ID: place.taskId,
    MESOS_SANDBOX: SANDBOX_MOUNT,
    MARATHON_APP_ID: app.id,
    MARATHON_APP_VERSION: app.version,
    ...(image === undefined ? {} : { MARATHON_APP_DOCKER_IMAGE: image }),
    MARATHON_APP_RESOURCE_CPUS: decimal(app.cpus),
    MARATHON_APP_RESOURCE_MEM: decimal(app.mem),
    MARATHON_APP_RESOURCE_DISK: decimal(app.disk),
    MARATHON_APP_RESOURCE_GPUS: String(app.gpus),
    MARATHON_APP_ENFORCE_GROUP_ROLE: place.enforcesRole ? 'TRUE' : 'FALSE',
    ...labelEnv(app.labels),
    HOST: place.host,
    ...portEnv(app, place.ports),
    ...(app.env as Record<string, string> | undefined),
  };
}

/** Java prints whole doubles with a point. */
function decimal(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function labelEnv(labels: Record<string, string>): Record<string, string> {
  const named = Object.entries(labels)
    .filter(([key, value]) => key.length < 493 && value.length < 512)
    .map(([key, value]) => [variableName(key), value] as const);
  return {
    MARATHON_APP_LABELS: named.map(([name]) => name).join(' '),
    ...Object.fromEntries(named.map(([name, value]) => [`MARATHON_APP_LABEL_${name}`, value])),
  };
}

function portEnv(app: App, ports: number[]): Record<string, string> {
  if (ports.length === 0) return {};
  const env: Record<string, string> = { PORT: String(ports[0]), PORTS: ports.join(',') };
  const declared = app.portDefinitions ?? app.container?.portMappings ?? [];
  const asked =
    app.container?.portMappings?.map(({ containerPort }) => containerPort) ?? servicePortsOf(app);
  for (const [index, port] of ports.entries()) {
    env[`PORT${index}`] = String(port);
    if (asked[index]) env[`PORT_${asked[index]}`] = String(port);
    const name = declared[index]?.name;
    if (name) env[`PORT_${variableName(name)}`] = String(port);
  }
  return env;
}

function variableName(key: string): string {
  return key.replace(/[^a-zA-Z0-9_]/g, '_').toUpperCase();
}
