/** `ekiden rollback`: brings back an earlier release. */
import type { Command } from 'commander';
import { addRemote, countOption, jsonOption, waitOptions } from '../remote/command.ts';
import { tellDeployments } from './deploy.ts';

interface Options {
  env: string;
  service?: string;
  to?: number;
  force?: true;
  override?: true;
  wait?: true;
  timeout: number;
  json?: true;
}

export function addRollback(program: Command): void {
  addRemote<Options>(program, {
    usage: 'rollback <project>',
    description: 'bring back an earlier release, with its image, its variables and its weights',
    options: [
      ['--env <environment>', 'where', 'production'],
      ['--service <name>', 'this service alone'],
      countOption('--to <release>', 'number of the release; default: the one before the current'),
      ['--force', 'also one that is bad, or never became healthy'],
      ['--override', 'also while the environment is frozen'],
      ...waitOptions,
      jsonOption,
    ],
    async run(api, [project = ''], { env, service, to: release, timeout, ...options }) {
      const { force, override } = options;
      const { deployments } = await api.rollback(project, env, {
        ...(service === undefined ? {} : { services: [service] }),
        ...(release === undefined ? {} : { release }),
        ...(force ? { force } : {}),
        ...(override ? { override } : {}),
      });
      return tellDeployments({ api, project, timeout }, deployments, options);
    },
  });
}
