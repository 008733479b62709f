/** What changes something in Marathon, so that a lost answer does not leave anybody in doubt. */

import type { Force, Marathon } from './marathon.ts';
import { parse, pathOf, unlessMissing } from './marathon-answers.ts';
import {
  type DeploymentResult,
  deploymentResultSchema,
  type MarathonApp,
} from './marathon-model.ts';
import type { MarathonRequest, Transport } from './marathon-transport.ts';

type Writes = Pick<
  Marathon,
  'putApp' | 'scale' | 'restart' | 'deleteApp' | 'cancelDeployment' | 'killTasks'
>;

export function writesOver(
  { send }: Transport,
  read: (id: string) => Promise<MarathonApp | undefined>,
): Writes {
  const deploy = async (asked: MarathonRequest) =>
    parse(deploymentResultSchema, (await send(asked)).body, asked.path);
  const maybeDeploy = async (asked: MarathonRequest) =>
    deploymentResultSchema.safeParse((await send(asked)).body).data;
  const put = (id: string, query: Record<string, boolean>, body: object): MarathonRequest => ({
    ...{ method: 'PUT', path: pathOf(id), query, body },
  });

  /** A write whose answer was lost has been taken when the app shows it. */
  async function surely(asked: MarathonRequest, id: string, shows: (app: MarathonApp) => boolean) {
    let isDoubtful = false;
    const onDoubt = () => {
      isDoubtful = true;
    };
    try {
      return await deploy({ ...asked, onDoubt });
    } catch (error) {
      const app = isDoubtful ? await read(id).catch(() => undefined) : undefined;
      if (app === undefined || !shows(app)) throw error;
      return resultOf(app);
    }
  }

  return {
    // Sent again it changes nothing, so whoever lost the answer sends it again.
    putApp: (body, { force = false }: Force = {}) =>
      deploy(put(body.id, { force, partialUpdate: false }, body)),
    scale: (id, instances, { force = false } = {}) =>
      surely(put(id, { force, partialUpdate: true }, { instances }), id, (app) => {
        return app.instances === instances;
      }),
    async restart(id, { force = false } = {}) {
      const before = configOf(await read(id));
      const asked = { method: 'POST', path: `${pathOf(id)}/restart`, query: { force } } as const;
      return surely(asked, id, (app) => configOf(app) !== before);
    },
    // Of all writes, only deleting an app takes force for granted, so it is always said.
    deleteApp: (id, { force = false } = {}) =>
      unlessMissing(deploy({ method: 'DELETE', path: pathOf(id), query: { force } })),
    cancelDeployment: (id, { force = false } = {}) => {
      const path = `/v2/deployments/${encodeURIComponent(id)}`;
      return maybeDeploy({ method: 'DELETE', path, query: { force } });
    },
    // Of the tasks named none is left the second time; shrunk twice an app would be too small.
    killTasks: (ids, { scale = false, force = false } = {}) =>
      maybeDeploy({
        ...{ method: 'POST', path: '/v2/tasks/delete', body: { ids } },
        ...{ query: force ? { scale, force } : { scale }, repeatable: !scale },
      }),
  };
}

function configOf(app: MarathonApp | undefined): string | undefined {
  return app?.versionInfo?.lastConfigChangeAt ?? app?.version;
}

function resultOf({ version, deployments }: MarathonApp): DeploymentResult {
  return { version, deploymentId: deployments[0]?.id ?? '' };
}
