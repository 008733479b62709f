/** `ekiden retry` and `ekiden cancel`: do a build again, or give it up. */
import type { Command } from 'commander';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson, waitOptions } from '../remote/command.ts';
import { tellBuild } from './deploy.ts';

interface Options {
  exactly?: true;
  /** False by --no-cache. */
  cache: boolean;
  wait?: true;
  timeout: number;
  json?: true;
}

export function addRetry(program: Command): void {
  addRemote<Options>(program, {
    usage: 'retry <project> <build>',
    description: 'build the commit of an earlier build again, which has to be the head of its ref',
    options: [
      ['--exactly', 'with the very fragments that the build had, not their newest versions'],
      ['--no-cache', 'use nothing that was made before'],
      ...waitOptions,
      jsonOption,
    ],
    async run(api, [project = '', id = ''], { exactly, cache, ...options }) {
      const wanted = { ...(exactly ? { exactly } : {}), ...(cache === false ? { cache } : {}) };
      const requested = await api.retryBuild(project, id, wanted);
      return tellBuild({ api, project, timeout: options.timeout }, requested, options);
    },
  });
}

export function addCancel(program: Command): void {
  addRemote<Pick<Options, 'json'>>(program, {
    usage: 'cancel <project> <build>',
    description: 'give up a build that waits or runs',
    options: [jsonOption],
    async run(api, [project = '', id = ''], { json }) {
      const build = await api.cancelBuild(project, id);
      if (json) printJson(build);
      else print(`build ${build.id}  is canceled`);
      return 0;
    },
  });
}
