/** `ekiden status`: what runs, and what happened last. */
import type { Command } from 'commander';
import type { DeploymentAnswer, ProjectAnswer, ServiceAnswer } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson } from '../remote/command.ts';
import { withDeploymentsOf } from '../remote/service-name.ts';
import { agoOf, coloured, colours, heads, plain } from '../terminal.ts';
import { buildRows } from './builds.ts';
import { heldText } from './environment.ts';
import { listInstances } from './instances.ts';

/** Of the builds and deployments that the API tells. */
const shown = 5;

export function addStatus(program: Command): void {
  addRemote<{ json?: true; env?: string; instances?: true }>(program, {
    usage: 'status <project>',
    description: 'show what runs, how it is, and what happened last',
    options: [
      ['--env <environment>', 'of this environment alone'],
      ['--instances', 'list the instances'],
      jsonOption,
    ],
    async run(api, [project = ''], { json, env, instances }) {
      const whole = await api.project(project);
      const found = env === undefined ? whole : await withDeploymentsOf(api, whole, env);
      if (instances) return listInstances(api, servicesIn(found, env), { json, env });
      if (json) printJson(whole);
      else printStatus(found, env);
      return 0;
    },
  });
}

function servicesIn({ path, environments }: ProjectAnswer, env: string | undefined) {
  return environments
    .filter(({ name }) => env === undefined || name === env)
    .flatMap(({ services }) => services)
    .map(({ environment, service }) => ({ project: path, environment, service }));
}

function printStatus(project: ProjectAnswer, env: string | undefined): void {
  const isMeant = (name: string) => env === undefined || name === env;
  const environments = project.environments.filter(({ name }) => isMeant(name));
  const services = environments.flatMap((each) => each.services);
  print(`${colours.bold(project.path)}  ${colours.dim(project.links.page)}\n`);
  if (services.length === 0) print(env ? `Nothing runs in ${env}.` : 'Nothing runs.');
  else print(alignColumns([heads(serviceHeads), ...services.map(serviceRow)]));
  for (const { environment, service, reason, places = [] } of services) {
    if (reason) print(`  ${environment}/${service}: ${plain(reason)}`);
    for (const place of places) print(`  ${environment}/${service} in ${placeText(place)}`);
  }
  for (const { name, settings } of environments) {
    const held = settings && heldText(settings, name);
    if (held) print(`  ${plain(held)}`);
  }
  const deployments = project.deployments.slice(0, shown).map(deploymentRow);
  if (deployments.length > 0) {
    print(`\n${alignColumns([heads(deploymentHeads), ...deployments])}`);
  }
  if (env !== undefined || project.builds.length === 0) return;
  print(`\n${alignColumns(buildRows(project.builds.slice(0, shown)))}`);
}

function placeText(place: NonNullable<ServiceAnswer['places']>[number]): string {
  const { dataCentre, release, instances, awaySince, reason } = place;
  if (awaySince)
    return plain(`${dataCentre}: away since ${agoOf(awaySince)}${reason ? `, ${reason}` : ''}`);
  const counted = instances ? `${instances.healthy}/${instances.wanted} healthy` : 'nothing';
  return `${dataCentre}: ${counted}${release === undefined ? '' : `, release ${release}`}`;
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
