/** Endpoints about the log files of instances, living or ended. */
import { z } from 'zod';
import { appOfInstance } from '../../core/instance.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import type { Ekiden } from '../../ekiden.ts';
import { serveBytes } from '../bytes.ts';
import { endpoint } from './endpoint.ts';
import { findService, instanceParams, missing } from './names.ts';
import * as schemas from './schemas.ts';

const path =
  '/projects/{project}/environments/{environment}/services/{service}/instances/{instance}/files';

export const fileParams = instanceParams.extend({
  path: z
    .string()
    .max(4_000)
    .meta({ description: 'As in the list; slashes need no encoding.', example: 'logs/app.log' }),
});

export const listFiles = endpoint({
  method: 'get',
  path,
  id: 'listFiles',
  tag: 'Log files',
  summary: 'The log files of an instance: stdout, stderr, and what it wrote into its log folder',
  needs: 'look',
  params: instanceParams,
  answer: {
    description: 'In alphabetical order.',
    schema: z.object({ items: z.array(schemas.logFile) }).meta({ id: 'LogFiles' }),
  },
  async handle(context) {
    const { ekiden, params, request } = context;
    await ensureInstance(ekiden, context);
    const files = await ekiden.logFiles.list(params.instance);
    if (!files) throw missing('instance');
    const base = `${ekiden.config.url}/api/v1${request.path.replace(/\/$/, '')}`;
    return { items: files.map((file) => ({ ...file, url: `${base}/${encodeFile(file.path)}` })) };
  },
});

export const readFile = endpoint({
  method: 'get',
  path: `${path}/{path*}`,
  id: 'readFile',
  tag: 'Log files',
  summary: 'The bytes of a log file; as a WebSocket, also those that follow',
  description: 'Takes Range, and HEAD. The frames of the socket are described in docs/api.md.',
  needs: 'look',
  params: fileParams,
  answer: { description: 'The bytes as they are.', type: 'text/plain' },
  others: { 101: 'The socket is open.', 206: 'The wanted range.', 416: 'There are no such bytes.' },
  async handle(context) {
    const { ekiden, params, request, response } = context;
    await ensureInstance(ekiden, context);
    const { instance, path: file } = params;
    await serveBytes({
      request,
      response,
      type: 'text/plain; charset=utf-8',
      size: async () => (await ekiden.logFiles.open(instance, file))?.file.size,
      open: (range) => ekiden.logFiles.open(instance, file, range),
    });
  },
});

/** The path of a file as it stands in an address: its slashes stay. */
export function encodeFile(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

interface Named {
  project: number;
  params: { environment: string; service: string; instance: string };
}

/** The instance has to be one of the service, since rights are those in its project. */
export async function ensureInstance(ekiden: Pick<Ekiden, 'services'>, named: Named) {
  const { app } = await findService(ekiden, named);
  const its = appOfInstance(named.params.instance);
  if (its === undefined || serviceAppOf(its) !== serviceAppOf(app)) throw missing('instance');
}
