/** `ekiden status`: what runs, and what happened last. */
import type { Command } from 'commander';
import type { DeploymentAnswer, ProjectAnswer, ServiceAnswer } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson } from '../remote/command.ts';
import { agoOf, coloured, colours, plain } from '../terminal.ts';
import { buildRows } from './builds.ts';

/** Of the builds and deployments that the API tells. */
const shown = 5;

export function addStatus(program: Command): void {
  addRemote<{ json?: true; env?: string }>(program, {
    usage: 'status <project>',
    description: 'show what runs, how it is, and what happened last',
    options: [['--env <environment>', 'of this environment alone'], jsonOption],
    async run(api, [project = ''], { json, env }) {
      const found = await api.project(project);
      if (json) printJson(found);
      else printStatus(found, env);
      return 0;
    },
  });
}

function printStatus(project: ProjectAnswer, env: string | undefined): void {
  const isMeant = (name: string) => env === undefined || name === env;
  const services = project.environments
    .filter(({ name }) => isMeant(name))
    .flatMap((each) => each.services);
  print(`${colours.bold(project.path)}  ${colours.dim(project.links.page)}\n`);
  if (services.length === 0) print(env ? `Nothing runs in ${env}.` : 'Nothing runs.');
  else print(alignColumns([heads(serviceHeads), ...services.map(serviceRow)]));
  for (const { environment, service, reason } of services) {
    if (reason) print(`  ${environment}/${service}: ${plain(reason)}`);
  }
  const deployments = project.deployments.filter(({ environment }) => isMeant(environment));
  if (deployments.length > 0) {
    print(
      `\n${alignColumns([heads(deploymentHeads), ...deployments.slice(0, shown).map(deploymentRow)])}`,
    );
  }
  if (env !== undefined || project.builds.length === 0) return;
  print(`\n${alignColumns(buildRows(project.builds.slice(0, shown)))}`);
}

export function heads(names: string[]): string[] {
  return names.map((name) => colours.dim(name));
}

const serviceHeads = [
  'ENVIRONMENT',
  'SERVICE',
  'HEALTH',
  'INSTANCES',
  'RELEASE',
  'COMMIT',
  'ADDRESS',
];

function serviceRow(service: ServiceAnswer): string[] {
  const { environment, health, instances, release, addresses } = service;
  return [
    ...[environment, service.service, coloured(health)],
    `${instances.healthy}/${instances.wanted}`,
    release ? String(release.number) : '',
    release ? release.sha.slice(0, 12) : '',
    addresses[0] ?? '',
  ];
}

const deploymentHeads = ['DEPLOYMENT', 'STATE', 'RELEASE', 'COMMIT', 'WHEN', 'BY', 'REASON'];

function deploymentRow(deployment: DeploymentAnswer): string[] {
  const { environment, service, state, release, sha, createdAt, kind, by, reason } = deployment;
  return [
    ...[`${environment}/${service}`, coloured(state)],
    release === undefined ? '' : String(release),
    ...[sha.slice(0, 12), agoOf(createdAt)],
    by === undefined ? kind : plain(`${kind} by ${by}`),
    plain(reason ?? ''),
  ];
}
