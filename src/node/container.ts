/** What Docker tells of a container, read as an instance of this installation; pure. */
import { relative } from 'node:path';
import type { Docker } from '../clients/docker.ts';
import type { NodeInstance } from '../core/node.ts';

/** The label by which Marathon marks the container of each task, on Mesos and in the engine. */
export const taskLabel = 'MESOS_TASK_ID';

const sandboxMount = '/mnt/mesos/sandbox';

/**
 * Undefined for a container that is not of this installation. The engine labels what it makes;
 * Mesos does not, but there Marathon hands the app's labels over as variables.
 */
export function instanceOf(
  info: Docker.ContainerInspectInfo,
  install: string,
): NodeInstance | undefined {
  const { labels, env } = namesOf(info);
  const id = labels[taskLabel];
  const app = labels['ekiden.app'] ?? env['MARATHON_APP_ID'];
  const owner = labels['ekiden.install'] ?? env['MARATHON_APP_LABEL_EKIDEN_INSTALL'];
  const sandbox = info.Mounts.find(({ Destination }) => Destination === sandboxMount)?.Source;
  if (!id || !app || owner !== install || !sandbox) return undefined;
  const release = Number(env['MARATHON_APP_LABEL_EKIDEN_RELEASE'] || Number.NaN);
  const instance = {
    ...{ id, app, sandbox, folders: foldersIn(sandbox, info.Mounts) },
    ...(Number.isInteger(release) ? { release } : {}),
  };
  const { Running, Pid } = info.State;
  if (!Running) return { ...instance, ...endOf(info.State) };
  const hasOwnNetwork = info.HostConfig.NetworkMode !== 'host';
  return { ...instance, running: { id: info.Id, pid: Pid, hasOwnNetwork } };
}

function namesOf({ Config }: Docker.ContainerInspectInfo) {
  const labels: Record<string, string | undefined> = Config.Labels ?? {};
  const pairs = (Config.Env ?? []).map((text): [string, string] => {
    const [name = ''] = text.split('=', 1);
    return [name, text.slice(name.length + 1)];
  });
  const env: Record<string, string | undefined> = Object.fromEntries(pairs);
  return { labels, env };
}

/** The folders of the sandbox that are mounted elsewhere as well: the volumes with a relative path. */
function foldersIn(sandbox: string, mounts: { Source: string }[]): string[] {
  const inside = mounts
    .map(({ Source }) => relative(sandbox, Source))
    .filter((path) => path !== '' && !path.startsWith('..') && !path.startsWith('/'));
  return [...new Set(inside)].sort();
}

/** A container that was made and not started yet has not ended. */
function endOf(state: Docker.ContainerInspectInfo['State']): Partial<NodeInstance> {
  const { Status, FinishedAt, ExitCode: code, OOMKilled: outOfMemory } = state;
  if (Status === 'created') return {};
  const time = Date.parse(FinishedAt);
  const endedAt = Number.isFinite(time) && time > 0 ? time : Date.now();
  return { endedAt, exit: { code, outOfMemory } };
}
