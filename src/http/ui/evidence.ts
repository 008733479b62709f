/** The page of what a failed instance left behind, and the rows that lead there. */
import { Router } from 'express';
import type { Evidence, EvidenceSummary } from '../../core/evidence.ts';
import { shortId } from '../../core/instance.ts';
import type { Ekiden } from '../../ekiden.ts';
import { instanceParams, missing } from '../api/names.ts';
import type { Pages } from './page.ts';
import { apiOfService, openProject, pathOfService } from './project.ts';
import { showTime } from './views.ts';

const address = '/projects/*path/-/environments/:environment/services/:service/evidence/:instance';
const namesInAddress = instanceParams.omit({ project: true });

/** Rows on a page that tells of other things as well. */
const shown = 5;

export function createEvidencePages({ ekiden, templates, enter }: Pages): Router {
  const router = Router();
  router.get(address, async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const { project } = await openProject(ekiden, caller, request);
    const parsed = namesInAddress.safeParse(request.params);
    if (!parsed.success) throw missing('evidence');
    const { environment, service, instance } = parsed.data;
    const found = await findEvidence(ekiden, { project: project.id, ...parsed.data });
    const api = `${apiOfService(project.id, environment, service)}/evidence/${encodeURIComponent(instance)}`;
    const view = { caller, path: project.path, environment, service, api, ...showEvidence(found) };
    response
      .set('Cache-Control', 'no-store')
      .type('html')
      .send(await templates.render('evidence', view));
  });
  return router;
}

interface Wanted {
  project: number;
  environment: string;
  service: string;
  instance: string;
}

/** @throws NotFoundError */
async function findEvidence(
  { appIds, evidence }: Pick<Ekiden, 'appIds' | 'evidence'>,
  { project, environment, service, instance }: Wanted,
): Promise<Evidence> {
  const app = (await appIds.list({ project, environment })).get(service);
  for (const release of app === undefined ? [] : await evidence.releases(app)) {
    const found = app && (await evidence.find(app, release, instance));
    if (found) return found;
  }
  throw missing('evidence');
}

function showEvidence(found: Evidence) {
  const { instance, release, dataCentre, host, reason, exit, checks, listening, at } = found;
  return {
    ...{ instance, short: shortId(instance), release, dataCentre, host: host ?? '', reason },
    at: showTime(at),
    exit: exit ? wordsOf(exit) : '',
    checks: checks.map(({ check, alive, cause }) => ({
      check,
      said: alive ? 'passed' : (cause ?? 'not passed yet'),
    })),
    listening: listening ? listening.join(', ') || 'no port' : '',
    logs: found.logs.map(({ path, lines }) => ({ path, text: lines.join('\n') })),
    otherLogs: found.otherLogs ?? 0,
    isMeasured: isCurve(found.usage),
  };
}

/** One sample is a point, and its axes say nothing. */
function isCurve(usage: Evidence['usage']): boolean {
  const samples = usage?.series.values.memory.filter((value) => value !== null);
  return (samples?.length ?? 0) > 1;
}

function wordsOf({ code, signal, outOfMemory }: NonNullable<Evidence['exit']>): string {
  const parts = [
    ...(code === undefined ? [] : [`exit code ${code}`]),
    ...(signal === undefined ? [] : [signal]),
    ...(outOfMemory ? ['out of memory'] : []),
  ];
  return parts.join(', ');
}

/** The newest failed instances of a release, as rows that lead to their pages; `path` is the project's. */
export async function failedRows(
  { evidence }: Pick<Ekiden, 'evidence'>,
  { app, release }: { app: string; release?: number | undefined },
  path: string,
) {
  const list = release === undefined ? [] : await evidence.list(app, release);
  return list
    .slice(-shown)
    .reverse()
    .map((each) => showRow(each, path));
}

function showRow({ instance, reason, at, environment, service }: EvidenceSummary, path: string) {
  return {
    ...{ short: shortId(instance), reason, at: showTime(at) },
    path: `${pathOfService(path, environment, service)}/evidence/${encodeURIComponent(instance)}`,
  };
}
