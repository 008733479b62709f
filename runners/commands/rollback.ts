/** `ekiden rollback`: brings back an earlier release. */
import type { Command } from 'commander';
import { addRemote, jsonOption, waitOptions, wholeNumber } from '../remote/command.ts';
import { tellDeployments } from './deploy.ts';

interface Options {
  env: string;
  service?: string;
  to?: string;
  wait?: true;
  timeout: string;
  json?: true;
}

export function addRollback(program: Command): void {
  addRemote<Options>(program, {
    usage: 'rollback <project>',
    description: 'bring back an earlier release that was healthy, with its image and variables',
    options: [
      ['--env <environment>', 'where', 'production'],
      ['--service <name>', 'this service alone'],
      ['--to <release>', 'number of the release; default: the one before the current'],
      ...waitOptions,
      jsonOption,
    ],
    async run(api, [project = ''], { env, service, to, ...options }) {
      const { deployments } = await api.rollback(project, env, {
        ...(service === undefined ? {} : { services: [service] }),
        ...(to === undefined ? {} : { release: wholeNumber(to, '--to', 1) }),
      });
      const timeout = wholeNumber(options.timeout, '--timeout', 1);
      return tellDeployments({ api, project, timeout }, deployments, options);
    },
  });
}
