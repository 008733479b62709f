/** Brings together what a container needs before it is made: sandbox, fetched files, image, network. */
import { join } from 'node:path';
import type { App } from '../apps/app-definition.ts';
import type { Context } from '../context.ts';
import { createImagePuller, type PullerOptions } from '../docker/image-puller.ts';
import { fetchInto } from '../fetch/fetcher.ts';
import { sandboxFolders } from './container-spec.ts';

export interface ProvisionerOptions
  extends Pick<Context, 'dockerHost' | 'sandboxes' | 'signal'>,
    Omit<PullerOptions, 'docker'> {}

export interface Provisions {
  image: string;
  /** The task's folder on this machine. */
  sandbox: string;
}

/** Where a fetched archive may bring logins for registries, as Marathon's documentation has it. */
const LOGIN_FILES = ['.docker/config.json', '.dockercfg'];

export type Provisioner = ReturnType<typeof createProvisioner>;

export function createProvisioner(options: ProvisionerOptions) {
  const { dockerHost, sandboxes, signal, defaultImage } = options;
  const { docker } = dockerHost;
  const puller = createImagePuller({ ...options, docker });

  async function fetchAndPull(sandbox: string, app: App, abandoned: AbortSignal): Promise<void> {
    const { image, forcePullImage: force = false } = app.container?.docker ?? {};
    if (app.fetch) await fetchInto(sandbox, app.fetch, AbortSignal.any([abandoned, signal]));
    const configs = app.fetch ? LOGIN_FILES.map((file) => join(sandbox, file)) : [];
    await orAborted(puller.ensure({ image, force, configs }), abandoned);
  }

  return {
    /** Rejects with what `abandoned` was aborted with as soon as that happens. */
    provide: async (taskId: string, app: App, abandoned: AbortSignal): Promise<Provisions> => {
      const bridged = app.networks.some(({ mode }) => mode === 'container/bridge');
      const sandbox = await sandboxes.create(taskId, {
        folders: sandboxFolders(app),
        isShared: app.user !== undefined,
      });
      await Promise.all([
        fetchAndPull(sandbox, app, abandoned),
        bridged && dockerHost.ensureNetwork(),
      ]);
      return { image: app.container?.docker?.image ?? defaultImage, sandbox };
    },
  };
}

/** Rejects as soon as `signal` fires; the work itself goes on for others who wait for it. */
function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = () => reject(signal.reason);
    signal.addEventListener('abort', give, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}
