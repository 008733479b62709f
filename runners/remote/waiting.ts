/** Waits for what was asked for, tells how it goes on, and how it ended. */
import { setTimeout as delay } from 'node:timers/promises';
import { EkidenError, RemoteError } from '../../src/core/errors.ts';
import type {
  BuildAnswer,
  DeploymentAnswer,
  EkidenApi,
  ServiceAnswer,
  ServicePlace,
} from '../../src/remote.ts';
import { createProgressLine, plain, spanOf } from '../terminal.ts';

export interface Waiting {
  api: EkidenApi;
  project: string;
  /** Seconds. */
  timeout: number;
}

/** What one look found: still under way with these words, or the end. */
type Look<T> = { words: string } | { end: T };

/** Milliseconds between looks: far below what the API allows one user. */
const lookEvery = 500;

/** Looks that may fail in a row, as while Ekiden is started anew. */
const blind = 60;

/** @throws RemoteError when the end does not come in time. */
async function until<T>(timeout: number, look: () => Promise<Look<T>>): Promise<T> {
  const line = createProgressLine();
  const start = Date.now();
  let last = 'nothing is known yet';
  try {
    for (let failures = 0; Date.now() - start < timeout * 1000; await delay(lookEvery)) {
      try {
        const found = await look();
        if ('end' in found) return found.end;
        last = plain(found.words);
        failures = 0;
      } catch (error) {
        if (!isPassing(error) || ++failures >= blind) throw error;
      }
      line.show(last, spanOf(Date.now() - start));
    }
  } finally {
    line.end();
  }
  throw new RemoteError(`Not done after ${timeout} s: ${last}.`, {
    code: 'E_TIMEOUT',
    hint: 'It goes on by itself; ekiden status shows how it ends.',
  });
}

/** Does what is refused while a deployment is under way once that has ended. */
export async function onceDeployed<T>({ timeout }: Waiting, act: () => Promise<T>): Promise<T> {
  type Outcome = { value: T } | { error: unknown };
  const outcome = await until<Outcome>(timeout, async () => {
    try {
      return { end: { value: await act() } };
    } catch (error) {
      const isDeploying = error instanceof EkidenError && error.code === 'E_DEPLOYING';
      return isDeploying ? { words: error.message } : { end: { error } };
    }
  });
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

function isPassing(error: unknown): boolean {
  return error instanceof EkidenError && error.retryable;
}

const isOpen = ({ state }: { state: string }) => state === 'queued' || state === 'running';

/** How all of them ended. */
export async function awaitDeployments(
  { api, project, timeout }: Waiting,
  ids: string[],
): Promise<DeploymentAnswer[]> {
  return until(timeout, async () => {
    const all = await Promise.all(ids.map((id) => api.deployment(project, id)));
    return all.some(isOpen) ? { words: all.map(wordsOf).join(', ') } : { end: all };
  });
}

/** How the build ended, or the one of the same commit that stands in for it. */
export async function awaitBuild(
  { api, project, timeout }: Waiting,
  id: string,
): Promise<BuildAnswer> {
  return until(timeout, async () => {
    // Its record is made by whoever takes it up.
    const build = await api.build(project, id).catch(missing);
    if (build === undefined) return { words: 'the build is queued' };
    const twin = build.twin === undefined ? undefined : await api.build(project, build.twin);
    const meant = twin ?? build;
    // An image that was pushed goes on to deployments, which are recorded a moment later.
    const isHandedOn = meant.state !== 'succeeded' || meant.deployments.length > 0;
    if (isHandedOn && !isOpen(meant)) return { end: meant };
    return { words: `build ${twin ? 'of the same commit ' : ''}${stepOf(meant)}` };
  });
}

/** How the service is once Marathon has done what was asked. */
export async function awaitService(
  { api, timeout }: Waiting,
  place: ServicePlace,
): Promise<ServiceAnswer> {
  return until(timeout, async () => {
    const service = await api.service(place);
    const { isDeploying, health, reason = health } = service;
    return isDeploying ? { words: reason } : { end: service };
  });
}

function missing(error: unknown): undefined {
  if (error instanceof EkidenError && error.status === 404) return undefined;
  throw error;
}

function wordsOf(deployment: DeploymentAnswer): string {
  const { environment, service } = deployment;
  return `${environment}/${service} ${stepOf(deployment)}`;
}

/** The state, and of what runs the leg that it is in. */
function stepOf({ state, legs }: Pick<BuildAnswer, 'state' | 'legs'>): string {
  const leg = legs.find(({ end }) => end === undefined)?.name;
  return state === 'running' && leg !== undefined ? `${state} (${leg})` : state;
}
