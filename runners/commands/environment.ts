/** `ekiden freeze`, `ekiden thaw` and `ekiden auto-deploy`: what people set for an environment. */
import type { Command } from 'commander';
import { InputError } from '../../src/core/errors.ts';
import type { EnvironmentSettingsAnswer } from '../../src/remote.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson, type RemoteOption } from '../remote/command.ts';
import { plain } from '../terminal.ts';

interface Options {
  env: string;
  until?: string;
  json?: true;
}

const environmentOption: RemoteOption = ['--env <environment>', 'where', 'production'];

export function addFreeze(program: Command): void {
  addRemote<Options>(program, {
    usage: 'freeze <project> <reason>',
    description: 'hold what pushes would deploy, until somebody ends the freeze',
    options: [
      environmentOption,
      ['--until <time>', 'when it ends by itself, such as 2027-01-02T08:00:00Z'],
      jsonOption,
    ],
    async run(api, [project = '', reason = ''], { env, until, json }) {
      const wanted = { reason, ...(until === undefined ? {} : { until: timeOf(until) }) };
      return tell(await api.freeze(project, env, wanted), { env, json });
    },
  });
}

export function addThaw(program: Command): void {
  addRemote<Options>(program, {
    usage: 'thaw <project>',
    description: 'end a freeze, and deploy what it held',
    options: [environmentOption, jsonOption],
    run: async (api, [project = ''], { env, json }) =>
      tell(await api.thaw(project, env), { env, json }),
  });
}

export function addAutoDeploy(program: Command): void {
  addRemote<Options>(program, {
    usage: 'auto-deploy <project> <on|off>',
    description: 'say whether pushes are deployed by themselves',
    options: [environmentOption, jsonOption],
    run: async (api, [project = '', word = ''], { env, json }) =>
      tell(await api.autoDeploy(project, env, isOn(word)), { env, json }),
  });
}

function tell(
  { autoDeploy, freeze }: EnvironmentSettingsAnswer,
  { env, json }: { env: string; json: true | undefined },
): number {
  if (json) printJson({ autoDeploy, ...(freeze ? { freeze } : {}) });
  else
    print(
      plain(heldText({ autoDeploy, freeze }, env) ?? `${env}: pushes are deployed by themselves`),
    );
  return 0;
}

/** What holds pushes for the environment; undefined where nothing does. */
export function heldText(
  { autoDeploy, freeze }: Pick<EnvironmentSettingsAnswer, 'autoDeploy' | 'freeze'>,
  env: string,
): string | undefined {
  if (!freeze) return autoDeploy ? undefined : `${env}: pushes are held`;
  const until = freeze.until ? `until ${freeze.until}` : 'until somebody ends it';
  return `${env} is frozen by ${freeze.by} ${until}: ${freeze.reason}`;
}

function isOn(word: string): boolean {
  if (word === 'on' || word === 'off') return word === 'on';
  throw new InputError(`${word} is neither on nor off.`, {
    code: 'E_USAGE',
    hint: 'Say on or off.',
  });
}

function timeOf(text: string): string {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new InputError(`${text} is no time.`, {
    code: 'E_USAGE',
    hint: 'Write it like 2027-01-02T08:00:00Z.',
  });
}
