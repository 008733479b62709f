/** `ekiden decide`: says how a canary goes on that waits for a word. */
import type { Command } from 'commander';
import { ConflictError, InputError } from '../../src/core/errors.ts';
import { isUndecided } from '../../src/core/trial.ts';
import type { EkidenApi } from '../../src/remote.ts';
import { addRemote, jsonOption, waitOptions } from '../remote/command.ts';
import { tellDeployments } from './deploy.ts';

interface Options {
  wait?: true;
  timeout: number;
  json?: true;
}

export function addDecide(program: Command): void {
  addRemote<Options>(program, {
    usage: 'decide <project> <on|back> [deployment]',
    description: 'let a canary be followed by all instances, or take it back',
    options: [...waitOptions, jsonOption],
    async run(api, [project = '', word = '', given], { timeout, ...options }) {
      const go = wordOf(word);
      const id = given ?? (await theOneThatWaits(api, project));
      const deployment = await api.decide(project, id, go);
      return tellDeployments({ api, project, timeout }, [deployment], options);
    },
  });
}

function wordOf(text: string): 'on' | 'back' {
  if (text === 'on' || text === 'back') return text;
  throw new InputError(`A canary goes on or back, not ${text}.`, {
    code: 'E_USAGE',
    hint: 'Such as ekiden decide group/name on.',
  });
}

/** Of the project's last deployments. @throws ConflictError where none or several wait for a word. */
async function theOneThatWaits(api: Pick<EkidenApi, 'project'>, project: string): Promise<string> {
  const { deployments } = await api.project(project);
  const [only, ...others] = deployments.filter(isUndecided);
  if (only && others.length === 0) return only.id;
  if (!only) {
    throw new ConflictError(`No canary of ${project} waits for a word.`, {
      code: 'E_NO_DECISION',
      hint: `ekiden status ${project} shows what is under way.`,
    });
  }
  const names = [only, ...others].map(
    ({ id, environment, service }) => `${id} (${environment}/${service})`,
  );
  throw new ConflictError(`Several canaries wait for a word: ${names.join(', ')}.`, {
    code: 'E_NO_DECISION',
    hint: 'Name one of them after on or back.',
  });
}
