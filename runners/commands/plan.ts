/** `ekiden plan`: what a deployment or a rollback would change. */
import type { Command } from 'commander';
import type { PlannedAnswer } from '../../src/remote.ts';
import { print } from '../print.ts';
import { addRemote, countOption, jsonOption, printJson } from '../remote/command.ts';
import { plain } from '../terminal.ts';
import { line, serviceLines } from './diff.ts';

interface Options {
  env: string;
  service?: string;
  build?: string;
  to?: number;
  force?: true;
  json?: true;
}

export function addPlan(program: Command): void {
  addRemote<Options>(program, {
    usage: 'plan <project>',
    description:
      'show what deploying again, a build or a rollback would change, and change nothing',
    options: [
      ['--env <environment>', 'where', 'production'],
      ['--service <name>', 'this service alone'],
      ['--build <id>', 'the image of this build'],
      countOption('--to <release>', 'a rollback to this release'),
      ['--force', 'as rollback takes it'],
      jsonOption,
    ],
    async run(api, [project = ''], { env, service, build, to: release, force, json }) {
      const found = await api.plan(project, env, {
        ...(service === undefined ? {} : { services: [service] }),
        ...(build === undefined ? {} : { build }),
        ...(release === undefined ? {} : { release }),
        ...(force ? { force } : {}),
      });
      if (json) printJson(found);
      else
        print(
          [...(found.held ? [plain(found.held)] : []), ...found.services.flatMap(lines)].join('\n'),
        );
      return 0;
    },
  });
}

function lines(planned: PlannedAnswer): string[] {
  const { restarts, instances, strategy, dataCentres, warnings } = planned;
  const replaced = `${restarts} instances are replaced`;
  const changed = restarts === instances ? replaced : `${replaced} by ${instances}`;
  const what = restarts > 0 ? changed : `${instances} instances are started`;
  return [
    ...serviceLines(planned),
    line('=', `${what}, ${strategy.kind}, in ${dataCentres.join(', ')}`),
    ...warnings.map((warning) => line('!', warning)),
  ];
}
