/** Health and readiness checks in their full form. */
import type { HealthCheckInput, ReadinessCheckInput } from './app-schema.ts';

export interface HealthCheck {
  protocol: 'HTTP' | 'HTTPS' | 'TCP' | 'COMMAND' | 'MESOS_HTTP' | 'MESOS_HTTPS' | 'MESOS_TCP';
  path?: string;
  port?: number;
  portIndex?: number;
  command?: { value: string };
  gracePeriodSeconds: number;
  intervalSeconds: number;
  timeoutSeconds: number;
  maxConsecutiveFailures: number;
  delaySeconds: number;
  ignoreHttp1xx?: boolean;
  ipProtocol: 'IPv4' | 'IPv6';
}

export interface ReadinessCheck {
  name: string;
  protocol: 'HTTP' | 'HTTPS';
  path: string;
  portName: string;
  intervalSeconds: number;
  timeoutSeconds: number;
  httpStatusCodesForReady: number[];
  preserveLastResponse: boolean;
}

/** The checks that Marathon leaves to the node: other events, and they kill one failure earlier. */
export function runsOnNode({ protocol }: HealthCheck): boolean {
  return protocol === 'COMMAND' || protocol.startsWith('MESOS_');
}

export function normalizeHealthCheck(input: HealthCheckInput): HealthCheck {
  const protocol = input.protocol ?? 'HTTP';
  return {
    gracePeriodSeconds: input.gracePeriodSeconds ?? 300,
    intervalSeconds: input.intervalSeconds ?? 60,
    timeoutSeconds: input.timeoutSeconds ?? 20,
    maxConsecutiveFailures: input.maxConsecutiveFailures ?? 3,
    delaySeconds: input.delaySeconds ?? 15,
    ipProtocol: input.ipProtocol ?? 'IPv4',
    protocol,
    ...(protocol.includes('HTTP') ? { path: input.path ?? '/' } : {}),
    ...(protocol === 'HTTP' || protocol === 'HTTPS'
      ? { ignoreHttp1xx: input.ignoreHttp1xx ?? false }
      : {}),
    ...(protocol === 'COMMAND' ? {} : checkedPort(input)),
    ...(input.command ? { command: input.command } : {}),
  };
}

function checkedPort({ port, portIndex }: HealthCheckInput) {
  if (portIndex !== undefined) return { portIndex };
  return port === undefined ? { portIndex: 0 } : { port };
}

export function normalizeReadinessCheck(input: ReadinessCheckInput): ReadinessCheck {
  return {
    name: input.name ?? 'readinessCheck',
    protocol: input.protocol ?? 'HTTP',
    path: input.path ?? '/',
    portName: input.portName ?? 'http-api',
    intervalSeconds: input.intervalSeconds ?? 30,
    timeoutSeconds: input.timeoutSeconds ?? 10,
    httpStatusCodesForReady: [...new Set(input.httpStatusCodesForReady ?? [200])],
    preserveLastResponse: input.preserveLastResponse ?? false,
  };
}
