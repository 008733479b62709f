/** Fields that say the same in an old and in a new way: taken one by one, refused where both are there. */
import type { Complaint } from '../api/api-error.ts';
import type { AppInput } from './app-schema.ts';

/** What an input says twice, in Marathon's words. */
export function contradictions(input: AppInput): Complaint[] {
  const found: Complaint[] = [];
  const complain = (path: string, error: string) => found.push({ path, errors: [error] });
  const docker = input.container?.docker;
  if (input.uris?.length && input.fetch?.length) {
    complain('/uris', 'may not be set in conjunction with fetch');
  }
  if (input.ports && !areUnique(input.ports)) complain('/', 'ports must be unique');
  if (isOtherwise(input.ports, input.portDefinitions)) {
    complain('/', 'cannot specify both ports and port definitions');
  }
  if (input.ipAddress && (input.ports?.length || input.portDefinitions?.length)) {
    complain('/', 'cannot specify both an IP address and port');
  }
  if (input.ipAddress && input.networks?.length) {
    complain('/', 'must not specify both networks and ipAddress');
  }
  if (docker?.network === 'NONE') {
    complain('/container/docker/network', 'unsupported docker network type NONE');
  }
  if (docker?.network && input.networks?.length) {
    complain('/', 'must not specify both container.docker.network and networks');
  }
  if (docker?.portMappings?.length && input.container?.portMappings?.length) {
    complain('/container', 'cannot specify both portMappings and docker.portMappings');
  }
  return found;
}

/** 0 stands for any port. */
function areUnique(ports: number[]): boolean {
  const fixed = ports.filter((port) => port !== 0);
  return new Set(fixed).size === fixed.length;
}

function isOtherwise(ports: AppInput['ports'], definitions: AppInput['portDefinitions']): boolean {
  if (!ports?.length || !definitions?.length) return false;
  return ports.join() !== definitions.map(({ port = 0 }) => port).join();
}
