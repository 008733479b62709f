/** Checks the Docker daemon: may this user use it, is it new enough, and what a restart of it does to apps. */
import { z } from 'zod';
import { connectDocker, type Docker } from '../clients/docker.ts';
import { isLocalDocker } from '../core/docker-host.ts';
import { asRoot, type Check, failed, fine, isAtLeast, type Outcome, warned } from './check.ts';
import { codeOf, reasonOf } from './network-errors.ts';

const leastApi = '1.41';
const versionSchema = z.object({ Version: z.string(), ApiVersion: z.string() });
const infoSchema = z.object({
  Driver: z.string(),
  CgroupVersion: z.string().default('1'),
  LiveRestoreEnabled: z.boolean(),
  DockerRootDir: z.string(),
});
export type DockerInfo = z.output<typeof infoSchema>;

export function checkDocker(host: string): Check {
  return {
    name: 'Docker',
    async run() {
      try {
        const docker = connectDocker(host);
        const version = versionSchema.parse(await docker.version());
        return judgeDocker(version, await dockerInfo(docker));
      } catch (error) {
        return failed(`does not answer at ${host}: ${reasonOf(error)}`, hintFor(error, host));
      }
    },
  };
}

export async function dockerInfo(docker: Docker): Promise<DockerInfo> {
  return infoSchema.parse(await docker.info());
}

function hintFor(error: unknown, host: string): string {
  const code = codeOf(error);
  if (code === 'EACCES') {
    return 'sudo usermod -aG docker $USER, and log in again; who is in that group is root by it';
  }
  const isNotRunning = code === 'ENOENT' || code === 'ECONNREFUSED';
  if (!isNotRunning || !isLocalDocker(host)) return 'Check DOCKER_HOST.';
  const start = asRoot('systemctl start docker');
  return `${start} (install it: ${asRoot('apt-get install docker.io')}), or set DOCKER_HOST`;
}

export function judgeDocker(
  { Version: version, ApiVersion: api }: z.output<typeof versionSchema>,
  info: DockerInfo,
): Outcome[] {
  if (!isAtLeast(api, leastApi)) {
    const found = `${version} speaks API ${api}, and Ekiden needs ${leastApi}`;
    return [failed(found, 'Install Docker 20.10 or newer.')];
  }
  const found = fine(`${version}, API ${api}, ${info.Driver}, cgroup v${info.CgroupVersion}`);
  if (info.LiveRestoreEnabled) return [found];
  const restart =
    'live-restore is off: when the daemon restarts, all apps stop and come back with it';
  const hint =
    'Put {"live-restore": true} into /etc/docker/daemon.json, then: ' +
    asRoot('systemctl reload docker');
  return [found, warned(restart, hint)];
}
