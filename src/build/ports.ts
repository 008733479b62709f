/** Decides on which container ports the services of an image listen. */
import type { ServiceSpec } from '../core/manifest.ts';

/**
 * A service that names no ports gets the image's lowest TCP port, if it is the only service or is
 * called web; any other is a worker, since no two services of one image listen on one port.
 */
export function withPorts(services: ServiceSpec[], exposed: number[]): ServiceSpec[] {
  const [lowest] = exposed;
  return services.map((service) => {
    if (service.ports !== undefined) return service;
    const listens = services.length === 1 || service.name === 'web';
    return { ...service, ports: listens && lowest !== undefined ? [lowest] : [] };
  });
}
