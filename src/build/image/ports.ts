/** Decides on which container ports the services of an image listen. */
import { InputError } from '../../core/errors.ts';
import type { ServiceSpec } from '../../core/manifest.ts';

/**
 * A service that names no ports gets the image's lowest TCP port, if it is the only service or is
 * called web; any other is a worker, since no two services of one image listen on one port.
 */
export function withPorts(services: ServiceSpec[], exposed: number[]): ServiceSpec[] {
  const [lowest] = exposed;
  return services.map((service) => {
    const listens = services.length === 1 || service.name === 'web';
    const fromImage = listens && lowest !== undefined ? [lowest] : [];
    const ports = service.ports ?? fromImage;
    if (ports.length === 0) refuseCheckWithoutPort(service);
    return { ...service, ports };
  });
}

/** An app whose check could never be made must not count as healthy. */
function refuseCheckWithoutPort({ name, health }: ServiceSpec): void {
  if (health === false || health.path === undefined || health.port !== undefined) return;
  throw new InputError(`services.${name}.health.path is set, but nothing says which port to ask.`, {
    code: 'E_MANIFEST',
    hint: `Name one in services.${name}.ports, or EXPOSE it in the Dockerfile.`,
  });
}

/** The TCP ports among those that an image exposes, such as `8080/tcp`; lowest first. */
export function tcpPorts(exposed: readonly string[]): number[] {
  return exposed
    .filter((port) => port.endsWith('/tcp'))
    .map((port) => Number.parseInt(port, 10))
    .sort((a, b) => a - b);
}
