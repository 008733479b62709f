/** Which service is meant where none is named. */
import { InputError, NotFoundError } from '../../src/core/errors.ts';
import type { EkidenApi, ServicePlace } from '../../src/remote.ts';

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
