/** `ekiden deploy`: deploys again what runs, the image of a build, or the head of a branch or tag. */
import type { Command } from 'commander';
import { InputError } from '../../src/core/errors.ts';
import type { BuildAnswer, DeploymentAnswer } from '../../src/remote.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson, waitOptions } from '../remote/command.ts';
import { exitCodeOf, printDeployments, printQueued } from '../remote/ends.ts';
import { awaitBuild, awaitDeployments, type Waiting } from '../remote/waiting.ts';
import { coloured, plain } from '../terminal.ts';

interface Options {
  env?: string;
  service?: string;
  build?: string;
  override?: true;
  ref?: string;
  wait?: true;
  timeout: number;
  json?: true;
}

export function addDeploy(program: Command): void {
  addRemote<Options>(program, {
    usage: 'deploy <project>',
    description: 'deploy again what runs, with the variables as they are now; or a build, or a ref',
    options: [
      ['--env <environment>', 'where to; default: production'],
      ['--service <name>', 'this service alone'],
      ['--build <id>', 'the image of this build'],
      ['--override', 'also while the environment is frozen'],
      ['--ref <ref>', 'build the head of a branch or tag, and deploy it as a push would'],
      ...waitOptions,
      jsonOption,
    ],
    async run(api, [project = ''], options) {
      const waiting = { api, project, timeout: options.timeout };
      if (options.ref !== undefined) return deployRef(waiting, options.ref, options);
      const { env: environment = 'production', service, build, override } = options;
      const { deployments } = await api.deploy(project, {
        environment,
        ...(service === undefined ? {} : { services: [service] }),
        ...(build === undefined ? {} : { build }),
        ...(override ? { override } : {}),
      });
      return tellDeployments(waiting, deployments, options);
    },
  });
}

/** Waits where that is wanted; answers the exit code. */
export async function tellDeployments(
  waiting: Waiting,
  deployments: DeploymentAnswer[],
  { wait, json }: Pick<Options, 'wait' | 'json'>,
): Promise<number> {
  const ids = deployments.map(({ id }) => id);
  const told = wait ? await awaitDeployments(waiting, ids) : deployments;
  if (json) printJson({ deployments: told });
  if (!wait) {
    if (!json) printQueued(told);
    return 0;
  }
  return json ? exitCodeOf(told) : printDeployments(told);
}

async function deployRef(waiting: Waiting, ref: string, options: Options): Promise<number> {
  refuseOthers(options);
  const requested = await waiting.api.requestBuild(waiting.project, ref);
  return tellBuild(waiting, requested, options);
}

/** Waits where that is wanted, also for what the build goes on to; answers the exit code. */
export async function tellBuild(
  waiting: Waiting,
  requested: { id: string; url: string },
  options: Pick<Options, 'wait' | 'json'>,
): Promise<number> {
  if (!options.wait) {
    if (options.json) printJson(requested);
    else print(`build ${requested.id}  is queued  ${requested.url}`);
    return 0;
  }
  const build = await awaitBuild(waiting, requested.id);
  if (!options.json) printBuild(build);
  if (build.state !== 'succeeded') {
    if (options.json) printJson({ build, deployments: [] });
    return 1;
  }
  const deployments = await awaitDeployments(waiting, build.deployments);
  if (options.json) printJson({ build, deployments });
  return options.json ? exitCodeOf(deployments) : printDeployments(deployments);
}

function refuseOthers({ env, service, build }: Options): void {
  if (env === undefined && service === undefined && build === undefined) return;
  throw new InputError('--ref goes where the manifest sends it, with all services.', {
    code: 'E_USAGE',
    hint: 'Leave out --env, --service and --build, or --ref.',
  });
}

function printBuild({ id, state, reason, url }: BuildAnswer): void {
  print([`build ${id}`, coloured(state), plain(reason ?? ''), url].filter(Boolean).join('  '));
}
