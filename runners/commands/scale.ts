/** `ekiden scale`, `kill`, `suspend`, `resume` and `restart`: what changes the instances of a service. */
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
import { idOfInstance } from '../remote/instance-name.ts';
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

export function addKill(program: Command): void {
  addRemote<Options & { replace: boolean }>(program, {
    usage: 'kill <project> <instance>',
    description:
      'end one instance (status --instances lists them), once it gets no more requests; another one takes its place',
    options: [...options, ['--no-replace', 'have one instance less from then on']],
    async run(api, [project = '', instance = ''], { replace, ...given }) {
      const place = await servicePlace(api, project, given);
      const id = idOfInstance((await api.instances(place)).items, instance);
      return tell({ api, place, act: () => api.kill(place, id, replace) }, given);
    },
  });
}

export function addSuspend(program: Command): void {
  addRemote<Options>(program, {
    usage: 'suspend <project>',
    description: 'stop all instances until the service is resumed',
    options,
    async run(api, [project = ''], given) {
      const place = await servicePlace(api, project, given);
      return tell({ api, place, act: () => api.suspend(place) }, given);
    },
  });
}

export function addResume(program: Command): void {
  addRemote<Options>(program, {
    usage: 'resume <project>',
    description: 'start as many instances as there were before it was suspended',
    options,
    async run(api, [project = ''], given) {
      const place = await servicePlace(api, project, given);
      return tell({ api, place, act: () => api.resume(place) }, given);
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
