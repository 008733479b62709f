/** Which service is meant where none is named. */
import { InputError, NotFoundError } from '../../src/core/errors.ts';
import type { EkidenApi, ProjectAnswer, ServicePlace } from '../../src/remote.ts';

/** The one that is named, else the only one, else web. @throws EkidenError that names those there are. */
export async function servicePlace(
  api: Pick<EkidenApi, 'project'>,
  project: string,
  { env: environment, service }: { env: string; service?: string },
): Promise<ServicePlace> {
  if (service !== undefined) return { project, environment, service };
  const { environments } = await api.project(project);
  const names = environments
    .filter(({ name }) => name === environment)
    .flatMap(({ services }) => services.map((each) => each.service));
  const [only] = names;
  if (only === undefined) throw nothingRuns(environment, environments);
  if (names.length === 1) return { project, environment, service: only };
  if (names.includes('web')) return { project, environment, service: 'web' };
  throw new InputError(`There are several services in ${environment}: ${names.join(', ')}.`, {
    code: 'E_USAGE',
    hint: 'Name one with --service.',
  });
}

/**
 * The project with one environment's deployments, also those that newer ones elsewhere pushed off its list.
 * @throws NotFoundError where nothing runs in the environment and nothing was deployed.
 */
export async function withDeploymentsOf(
  api: Pick<EkidenApi, 'deployments'>,
  project: ProjectAnswer,
  environment: string,
): Promise<ProjectAnswer> {
  const { items } = await api.deployments(String(project.id), environment);
  const runs = project.environments.some(({ name }) => name === environment);
  if (runs || items.length > 0) return { ...project, deployments: items };
  const known = [
    ...project.environments.map(({ name }) => name),
    ...project.deployments.map((each) => each.environment),
  ];
  throw unknownEnvironment(environment, [...new Set(known)]);
}

function unknownEnvironment(environment: string, known: string[]): NotFoundError {
  return new NotFoundError(`Nothing is known of ${environment}.`, {
    code: 'E_NOT_FOUND',
    hint:
      known.length > 0
        ? `Name with --env what there is: ${known.join(', ')}.`
        : 'Nothing was deployed yet: push, or deploy a ref or a build: ekiden deploy --help.',
  });
}

/** With the environments where something does run. */
export function nothingRuns(environment: string, all: { name: string }[]): NotFoundError {
  const names = all.map(({ name }) => name).join(', ');
  return new NotFoundError(`Nothing runs in ${environment}.`, {
    code: 'E_NOTHING_RUNS',
    hint: names
      ? `Something runs in ${names}; name one with --env.`
      : 'Push, or deploy a ref or a build: ekiden deploy --help.',
  });
}
