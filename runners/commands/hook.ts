/** `ekiden enable` and `ekiden disable`: the hook of a project in GitLab. */
import type { Command } from 'commander';
import type { EkidenApi } from '../../src/remote.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson } from '../remote/command.ts';
import { coloured, plain } from '../terminal.ts';

interface Options {
  json?: true;
}

export function addEnable(program: Command): void {
  addRemote<Options>(program, {
    usage: 'enable <project>',
    description: 'register the hook in GitLab, and have a test delivery sent',
    options: [jsonOption],
    async run(api, [project = ''], { json }) {
      const registration = await api.enable(project);
      if (json) printJson(registration);
      else printRegistration(registration);
      return registration.test.outcome === 'refused' ? 1 : 0;
    },
  });
}

export function addDisable(program: Command): void {
  addRemote<Options>(program, {
    usage: 'disable <project>',
    description: "remove Ekiden's hook from the project in GitLab",
    options: [jsonOption],
    async run(api, [project = ''], { json }) {
      const answer = await api.disable(project);
      if (json) printJson(answer);
      else if (answer.removed.length === 0) print('There was no hook of this Ekiden.');
      else for (const { id, url } of answer.removed) print(`hook ${id}  removed  ${plain(url)}`);
      return 0;
    },
  });
}

type Registration = Awaited<ReturnType<EkidenApi['enable']>>;

function printRegistration({ hook, change, test }: Registration): void {
  print(`hook ${hook.id}  ${change}  ${plain(hook.url)}`);
  const { outcome, decision, reason, hint } = test;
  const told = decision === undefined ? reason : `${decision}: ${reason}`;
  print(`test delivery  ${coloured(outcome)}  ${plain(told)}`);
  if (hint) print(`  ${plain(hint)}`);
}
