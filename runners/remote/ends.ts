/** Tells how deployments and services ended. */
import type { DeploymentAnswer, ServiceAnswer } from '../../src/remote.ts';
import { print } from '../print.ts';
import { coloured, plain } from '../terminal.ts';

/** One line each; answers the exit code, 1 when one did not succeed. */
export function printDeployments(deployments: DeploymentAnswer[]): number {
  for (const deployment of deployments) {
    const { environment, service, state, release, reason, addresses, warnings } = deployment;
    const what = `${environment}/${service}${release === undefined ? '' : ` release ${release}`}`;
    const [address = ''] = state === 'succeeded' ? addresses : [];
    print([what, coloured(state), plain(reason ?? ''), address].filter(Boolean).join('  '));
    for (const warning of warnings) print(`  ${plain(warning)}`);
  }
  return exitCodeOf(deployments);
}

export function exitCodeOf(deployments: DeploymentAnswer[]): number {
  return deployments.every(({ state }) => state === 'succeeded') ? 0 : 1;
}

/** What is under way, or waits for its turn, is told with its page. */
export function printQueued(deployments: DeploymentAnswer[]): void {
  for (const { environment, service, state, url } of deployments) {
    print(`${environment}/${service}  is ${state}  ${url}`);
  }
}

/** Answers the exit code, 1 when it is not as it should be. */
export function printService({ service, environment, ...status }: ServiceAnswer): number {
  const { health, reason, instances } = status;
  const of = `${instances.healthy} of ${instances.wanted} instances are healthy`;
  print([`${environment}/${service}`, coloured(health), plain(reason ?? of)].join('  '));
  return isWell(health) ? 0 : 1;
}

export function isWell(health: string): boolean {
  return health === 'healthy' || health === 'stopped';
}
