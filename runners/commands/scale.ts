/** `ekiden scale` and `ekiden restart`: what changes the instances of a service. */
import type { Command } from 'commander';
import type { EkidenApi, ServiceAnswer, ServicePlace } from '../../src/remote.ts';
import {
  addRemote,
  jsonOption,
  printJson,
  type RemoteOption,
  waitOptions,
  wholeNumber,
} from '../remote/command.ts';
import { isWell, printService } from '../remote/ends.ts';
import { servicePlace } from '../remote/service-name.ts';
import { awaitService, onceDeployed } from '../remote/waiting.ts';

interface Options {
  env: string;
  service?: string;
  wait?: true;
  timeout: number;
  json?: true;
}

const options: RemoteOption[] = [
  ['--env <environment>', 'where', 'production'],
  ['--service <name>', 'which; default: the only one, or web'],
  ...waitOptions,
  jsonOption,
];

export function addScale(program: Command): void {
  addRemote<Options>(program, {
    usage: 'scale <project> <instances>',
    description: 'set the number of instances, until the manifest itself asks for another one',
    options,
    async run(api, [project = '', count = ''], given) {
      const instances = wholeNumber(count, 'The number of instances');
      const place = await servicePlace(api, project, given);
      return tell({ api, place, act: () => api.scale(place, instances) }, given);
    },
  });
}

export function addRestart(program: Command): void {
  addRemote<Options>(program, {
    usage: 'restart <project>',
    description: 'replace all instances by new ones of the same release, without a gap',
    options,
    async run(api, [project = ''], given) {
      const place = await servicePlace(api, project, given);
      return tell({ api, place, act: () => api.restart(place) }, given);
    },
  });
}

interface Change {
  api: EkidenApi;
  place: ServicePlace;
  act: () => Promise<ServiceAnswer>;
}

/** Waits where that is wanted, for its turn too; answers the exit code. */
async function tell({ api, place, act }: Change, { wait, json, timeout }: Options) {
  const waiting = { api, project: place.project, timeout };
  const changed = await (wait ? onceDeployed(waiting, act) : act());
  const service = wait ? await awaitService(waiting, place) : changed;
  if (json) printJson(service);
  else printService(service);
  return wait && !isWell(service.health) ? 1 : 0;
}
