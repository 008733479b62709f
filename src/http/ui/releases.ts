/** The pages of releases: those of an environment with the way back to each, and what one brought. */
import { Router } from 'express';
import type { CommitNote } from '../../core/commit.ts';
import { messageOf } from '../../core/errors.ts';
import type { ReleaseDiff } from '../../core/release-diff.ts';
import type { EnvironmentDiff, EnvironmentRelease } from '../../core/release-history.ts';
import type { Ekiden } from '../../ekiden.ts';
import { environmentName, missing } from '../api/names.ts';
import { variablesOf } from '../api/release-views.ts';
import { failedRows } from './evidence.ts';
import type { Pages } from './page.ts';
import { openProject, pathOfReleases } from './project.ts';
import { abilitiesOf, showRef, showTime } from './views.ts';

const address = '/projects/*path/-/environments/:environment/releases';
const shown = 50;

export function createReleasePages({ ekiden, templates, enter }: Pages): Router {
  const router = Router();
  router.get(address, async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const { project, level } = await openProject(ekiden, caller, request);
    const environment = environmentOf(request.params['environment']);
    const where = { project: project.id, environment };
    const { items } = await ekiden.releaseHistory.list(where, { limit: shown });
    const may = abilitiesOf(caller, level, environment);
    const here = { path: project.path, environment, api: apiOf(project.id, environment) };
    const releases = items.map((each) => showRelease(each, project.path, environment));
    const html = await templates.render('releases', { caller, ...here, may, releases });
    response.set('Cache-Control', 'no-store').type('html').send(html);
  });
  router.get(`${address}/:release`, async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const { project, level } = await openProject(ekiden, caller, request);
    const environment = environmentOf(request.params['environment']);
    const where = { project: project.id, environment };
    const found = await ekiden.releaseHistory.find(where, Number(request.params['release']));
    if (!found) throw missing('release');
    const view = {
      ...{ caller, path: project.path, environment, api: apiOf(project.id, environment) },
      may: abilitiesOf(caller, level, environment),
      releases: pathOfReleases(project.path, environment),
      release: showRelease(found, project.path, environment),
      services: await Promise.all(
        found.services.map(async (each) => ({
          ...showService(each),
          failed: await failedOf(ekiden, each, project.path),
        })),
      ),
      diff: await diffOf(ekiden, where, found.number),
    };
    const html = await templates.render('release', view);
    response.set('Cache-Control', 'no-store').type('html').send(html);
  });
  return router;
}

function environmentOf(name: unknown): string {
  const parsed = environmentName.safeParse(name);
  if (!parsed.success) throw missing('environment');
  return parsed.data;
}

function apiOf(project: number, environment: string): string {
  return `/api/v1/projects/${project}/environments/${encodeURIComponent(environment)}`;
}

function showRelease(release: EnvironmentRelease, path: string, environment: string) {
  const { number, standing, sha, ref, build, author, commit, createdAt, services } = release;
  return {
    ...{ number, state: standing.state, build, sha: sha.slice(0, 12), ref: showRef(ref) },
    reason: standing.state === 'bad' ? standing.reason : '',
    by: author ?? commit?.author ?? '',
    title: commit?.title ?? '',
    created: showTime(createdAt),
    page: `${pathOfReleases(path, environment)}/${number}`,
    runs: services.some((each) => each.runs),
    // Where all of it runs there is nothing to go back to.
    isBack: services.some((each) => !each.runs),
    evidence: services.reduce((sum, each) => sum + each.evidence, 0),
    services: services.map(({ service, runs }) => ({ name: service, runs })),
    ...askOf(release, environment),
  };
}

/** What the button asks, and what it sends: one that was never healthy takes force. */
function askOf({ number, standing }: EnvironmentRelease, environment: string) {
  const what = `Bring back release ${number} in ${environment}, with its image, variables and weights?`;
  if (standing.state === 'good') {
    return { ask: what, body: JSON.stringify({ release: number }) };
  }
  const why = standing.state === 'bad' ? `is bad: ${standing.reason}` : 'never became healthy';
  return {
    ask: `${what} It ${why}.`,
    body: JSON.stringify({ release: number, force: true }),
  };
}

function showService(of: EnvironmentRelease['services'][number]) {
  const { service, release, standing, runs, evidence } = of;
  const { image, spec, fragments } = release;
  return {
    ...{ name: service, image, runs, evidence, state: standing.state, app: release.app },
    ...{ cpus: spec.cpus, mem: spec.mem, instances: spec.instances },
    fragments: fragments.map(({ file }) => file),
    variables: variablesOf(of),
  };
}

function failedOf(
  ekiden: Ekiden,
  { release }: EnvironmentRelease['services'][number],
  path: string,
) {
  return failedRows(ekiden, { app: release.app, release: release.number }, path);
}

/** What is different from the release before; the first one has none. */
async function diffOf(
  { releaseHistory }: Pick<Ekiden, 'releaseHistory'>,
  where: { project: number; environment: string },
  to: number,
) {
  try {
    return showDiff(await releaseHistory.diff(where, { to }));
  } catch (error) {
    return { problem: messageOf(error), from: '', commits: [], services: [] };
  }
}

function showDiff({ from, commits, services }: EnvironmentDiff) {
  const listed = (sign: string, list: CommitNote[] = []) =>
    list.map(({ sha, title }) => ({ sign, sha: sha.slice(0, 12), title }));
  return {
    ...{ problem: '', from },
    commits: [...listed('+', commits?.added), ...listed('−', commits?.removed)],
    services: services.map(({ service, ...diff }) => ({ name: service, changes: changesIn(diff) })),
  };
}

function changesIn({ image, variables, fragments, settings }: Omit<ReleaseDiff, 'service'>) {
  const names = (what: string, list: string[], sign: string) =>
    list.map((name) => ({ sign, text: `${what} ${name}` }));
  const all = (what: string, { added, removed, changed }: ReleaseDiff['variables']) => [
    ...names(what, added, '+'),
    ...names(what, removed, '−'),
    ...names(what, changed, '~'),
  ];
  return [
    ...(image.from === image.to ? [] : [{ sign: '~', text: 'image' }]),
    ...all('variable', variables),
    ...all('fragment', fragments),
    ...settings.map(({ name, from = '–', to = '–' }) => ({
      sign: '~',
      text: `${name}: ${from} → ${to}`,
    })),
  ];
}
