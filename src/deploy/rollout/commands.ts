/** Runs what the manifest names before and after a deployment, as long as the app follows it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ReleaseCommands } from '../../core/job.ts';
import type { Rollout } from './rollout.ts';
import { Unwell } from './site.ts';
import type { Started } from './start.ts';

export interface CommandOptions {
  /** Runs what the manifest names before and after a deployment; default: nothing is run. */
  commands?: ReleaseCommands | undefined;
}

export interface Running {
  started: Started;
  rollout: Pick<Rollout, 'sites' | 'watch'>;
  when: 'before' | 'after';
}

/** Milliseconds between looks whether a newer deployment has the lead, while a command runs. */
const leadEvery = 500;

/** @throws Unwell when it fails, or what has the requests meanwhile is not well; Overtaken. */
export async function runCommand(
  { commands }: CommandOptions,
  { started: { deployment, release }, rollout, when }: Running,
  signal: AbortSignal,
): Promise<void> {
  if (!commands || deployment.restart || deployment.deploy[when] === undefined) return;
  const problem = await unlessOvertaken(rollout, signal, (either) =>
    commands.run({ deployment, release, when }, either),
  );
  if (problem !== undefined) throw new Unwell(`the command ${when} it failed`, problem);
}

/**
 * A command goes on, but nobody waits for it once the app follows another deployment, or what has the
 * requests already is not well. @throws Overtaken, Unwell
 */
async function unlessOvertaken<T>(
  { sites, watch: watchHeld }: Running['rollout'],
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const watch = async (): Promise<never> => {
    for (;;) {
      for (const site of sites.slice(0, 1)) await site.refuseOvertaken();
      await delay(leadEvery, undefined, { signal: either });
    }
  };
  try {
    return await Promise.race([work(either), watch(), watchHeld(either)]);
  } finally {
    stop.abort();
  }
}
