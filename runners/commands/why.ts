/** `ekiden why`: what is wrong with a service, in one sentence, and what its last failed instance left behind. */
import type { Command } from 'commander';
import type {
  EkidenApi,
  EvidenceSummaryAnswer,
  ProjectAnswer,
  ServicePlace,
} from '../../src/remote.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson } from '../remote/command.ts';
import { withDeploymentsOf } from '../remote/service-name.ts';
import { agoOf, coloured, colours, plain } from '../terminal.ts';
import { printEvidence } from './evidence.ts';

interface Options {
  env: string;
  service?: string;
  json?: true;
}

/** Of each log file of the newest evidence. */
const shownLines = 5;
/** Log files of it that are shown: output, and what was written last. */
const shownFiles = 5;

export function addWhy(program: Command): void {
  addRemote<Options>(program, {
    usage: 'why <project>',
    description: 'say why a service is not as it should be, and what failed last',
    options: [
      ['--env <environment>', 'in this environment', 'production'],
      ['--service <name>', 'of this service; default: all that are not healthy'],
      jsonOption,
    ],
    async run(api, [project = ''], options) {
      const found = await withDeploymentsOf(api, await api.project(project), options.env);
      const asked = namesIn(found, options);
      const answers = await Promise.all(
        asked.map((service) =>
          answerOf(api, found, { project, environment: options.env, service }),
        ),
      );
      if (options.json) printJson(answers);
      else for (const answer of answers) await printAnswer(api, answer);
      return 0;
    },
  });
}

type Answer = Awaited<ReturnType<typeof answerOf>>;

/** Services that run, and those whose last deployment did not leave one. */
function namesIn(
  { environments, deployments }: ProjectAnswer,
  { env, service }: Options,
): string[] {
  if (service !== undefined) return [service];
  const running = environments.filter(({ name }) => name === env).flatMap((each) => each.services);
  return [...new Set([...running, ...deployments].map((each) => each.service))].sort();
}

/**
 * A deployment that waits or has failed says more than what runs beside it.
 * @throws EkidenError that names the services there are, where nothing is known of this one.
 */
async function answerOf(api: EkidenApi, project: ProjectAnswer, place: ServicePlace) {
  const { environment, service } = place;
  const isMeant = (each: { environment: string; service: string }) =>
    each.environment === environment && each.service === service;
  const running = project.environments.flatMap(({ services }) => services).find(isMeant);
  const last = project.deployments.find(isMeant);
  const { items } = await api.evidence(place).catch((error: unknown) => {
    if (!running && !last) throw error;
    return { items: [] };
  });
  const [newest] = items as EvidenceSummaryAnswer[];
  return {
    place,
    health: running?.health ?? 'not there',
    ...(running?.reason ? { reason: running.reason } : {}),
    ...(last ? { deployment: { id: last.id, state: last.state, reason: last.reason ?? '' } } : {}),
    ...(newest ? { newest } : {}),
  };
}

const verbs: Record<string, string> = { failed: 'has', superseded: 'was' };

async function printAnswer(api: EkidenApi, { place, health, reason, deployment, newest }: Answer) {
  print(`${colours.bold(place.service)} in ${place.environment} is ${coloured(health)}`);
  if (reason) print(`  ${plain(reason)}`);
  if (deployment && deployment.state !== 'succeeded') {
    const told = deployment.reason ? `: ${plain(deployment.reason)}` : '';
    const verb = verbs[deployment.state] ?? 'is';
    print(`  its last deployment ${verb} ${coloured(deployment.state)}${told}`);
  }
  if (!newest) return print('  No failed instance left evidence.');
  print(`\nThe last failed instance, ${agoOf(newest.at)}:`);
  // How many files were not kept is told where all of those are that were.
  const { otherLogs: _, ...found } = await api.oneEvidence(place, newest.instance);
  printEvidence({ ...found, logs: found.logs.slice(0, shownFiles) }, shownLines);
  const others = found.logs.length - shownFiles;
  if (others > 0) print(`\nand ${others} more ${others === 1 ? 'file' : 'files'}`);
  print(
    `\nAll of it: ekiden evidence ${place.project} ${newest.instance} --env ${place.environment}`,
  );
}
