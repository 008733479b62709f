/** `ekiden remove`: takes down what runs for a project. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { InputError } from '../../src/core/errors.ts';
import type { ProjectAnswer } from '../../src/remote.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson } from '../remote/command.ts';
import { nothingRuns } from '../remote/service-name.ts';

interface Options {
  env?: string;
  yes?: true;
  json?: true;
}

export function addRemove(program: Command): void {
  addRemote<Options>(program, {
    usage: 'remove <project>',
    description: 'take down all that runs for a project, or in one environment of it',
    options: [
      ['--env <environment>', 'this environment alone'],
      ['--yes', 'ask no question'],
      jsonOption,
    ],
    async run(api, [project = ''], { env, yes, json }) {
      if (!yes) await confirm(await api.project(project), env);
      const answer = await api.remove(project, env);
      if (json) printJson(answer);
      else if (answer.apps.length === 0) print('Nothing ran.');
      else for (const app of answer.apps) print(`${app}  taken down`);
      return 0;
    },
  });
}

/** @throws EkidenError unless somebody at a terminal says yes. */
async function confirm(project: ProjectAnswer, env: string | undefined): Promise<void> {
  const { environments } = project;
  const meant = environments.filter(({ name }) => env === undefined || name === env);
  if (env !== undefined && meant.length === 0) throw nothingRuns(env, environments);
  const what = meant.flatMap(({ name, services }) =>
    services.map(({ service }) => `${name}/${service}`),
  );
  const question = `Take down ${what.join(', ') || 'all'} of ${project.path}`;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new InputError(`${question}? Nobody can be asked here.`, {
      code: 'E_USAGE',
      hint: 'Say --yes.',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question}? Type yes: `).finally(() => terminal.close());
  if (answer.trim() === 'yes') return;
  throw new InputError('Nothing was taken down.', {
    code: 'E_USAGE',
    hint: 'Answer yes, or give --yes where nobody can be asked.',
  });
}
