/** The page of an instance: its log files, and one of them as it grows. */
import { Router } from 'express';
import { encodeFile, ensureInstance } from '../api/log-files.ts';
import { instanceParams, missing } from '../api/names.ts';
import type { Pages } from './page.ts';
import { apiOfService, openProject } from './project.ts';
import { showTime } from './views.ts';

const address = '/projects/*path/-/environments/:environment/services/:service/instances/:instance';
const namesInAddress = instanceParams.omit({ project: true });

export function createFilePages({ ekiden, templates, enter }: Pages): Router {
  const router = Router();
  router.get(address, async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const { project } = await openProject(ekiden, caller, request);
    const parsed = namesInAddress.safeParse(request.params);
    if (!parsed.success) throw missing('instance');
    const params = parsed.data;
    await ensureInstance(ekiden, { project: project.id, params });
    const files = await ekiden.logFiles.list(params.instance);
    if (!files) throw missing('instance');
    const wanted = String(request.query['file'] ?? 'stdout');
    const chosen = files.find(({ path }) => path === wanted) ?? files[0];
    const { environment, service, instance } = params;
    const api = `${apiOfService(project.id, environment, service)}/instances/${encodeURIComponent(instance)}/files`;
    const view = {
      ...{ caller, path: project.path, environment, service, instance, api },
      log: chosen ? `${api}/${encodeFile(chosen.path)}` : '',
      chosen: chosen?.path ?? '',
      files: files.map(({ path, size, modifiedAt }) => ({
        ...{ path, size: showSize(size), modified: showTime(modifiedAt) },
        query: `?file=${encodeURIComponent(path)}`,
        isChosen: path === chosen?.path,
      })),
    };
    response
      .set('Cache-Control', 'no-store')
      .type('html')
      .send(await templates.render('files', view));
  });
  return router;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'];

function showSize(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
