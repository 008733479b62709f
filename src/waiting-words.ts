/** Keeps what GitLab says of deployments that wait true: why they do changes, and their state does not. */
import { type Deployment, isOpen } from './core/deployment.ts';
import { messageOf } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { keepLooking } from './core/looking.ts';
import { type Report, wordsOfDeployment } from './gitlab/report.ts';
import type { Stores } from './stores/index.ts';

export interface WaitingWords {
  /** Looks again and again, until the answered function is called; any number of processes may. */
  keepTold(): () => Promise<void>;
}

export interface WaitingWordsOptions {
  deployments: Pick<Stores['deployments'], 'active' | 'find'>;
  /** Tells GitLab alone: the log of the build needs no second line about the same state. */
  report: Pick<Report, 'deployment'>;
  /** How often it is looked, in milliseconds. */
  every?: number;
  log: Log;
}

/** What GitLab was told of a deployment last, and from when on it may be told more, in milliseconds. */
export interface Told {
  words: string;
  pause: number;
  until: number;
}

/** Each change of words waits twice as long as the one before, up to this many milliseconds. */
const longestPause = 240_000;

export function createWaitingWords(options: WaitingWordsOptions): WaitingWords {
  const { every = 15_000, log } = options;
  return {
    keepTold() {
      const told = new Map<string, Told>();
      return keepLooking({
        look: () => lookOnce(options, { told, every }),
        every,
        onError: (error) =>
          log.warn({ error: messageOf(error) }, 'cannot tell why deployments wait'),
      });
    },
  };
}

async function lookOnce(
  { deployments, report }: WaitingWordsOptions,
  { told, every }: { told: Map<string, Told>; every: number },
): Promise<void> {
  const active = await deployments.active();
  for (const id of [...told.keys()].filter((each) => !active.includes(each))) told.delete(id);
  for (const id of active) {
    const deployment = await deployments.find(id);
    if (!deployment || !isOpen(deployment)) continue;
    const next = nextTold(told.get(id), deployment, { now: Date.now(), every });
    if (next === undefined) continue;
    told.set(id, next);
    await report.deployment(id, deployment.state);
    // One that ended just now may have been told so before, and that is to be its last word.
    const now = await deployments.find(id);
    if (now && !isOpen(now)) await report.deployment(id, now.state);
  }
}

/** What is to be told now; undefined for nothing new, or not yet. Times in milliseconds. */
export function nextTold(
  last: Told | undefined,
  deployment: Deployment,
  { now, every }: { now: number; every: number },
): Told | undefined {
  const words = `${deployment.state}: ${wordsOfDeployment(deployment, deployment.state)}`;
  if (last === undefined) return { words, pause: every, until: now + every };
  if (last.words === words || now < last.until) return undefined;
  const pause = Math.min(last.pause * 2, longestPause);
  return { words, pause, until: now + pause };
}
