/** Says in one true sentence why an app is not as it should be; a function of data. */
import type { MarathonApp, MarathonQueueItem, MarathonTask } from '../../clients/marathon.ts';
import { endingOf } from '../../core/ending.ts';
import type { IsOurs } from '../rollout/progress.ts';
import {
  elsewhere,
  isSilence,
  type Listening,
  nameOf,
  portOf,
  whyUnhealthy,
} from './why-checks.ts';
import { pauseOf, whyDeclined } from './why-queued.ts';

export interface WhyFacts {
  app: MarathonApp | undefined;
  /** Tells the instances that are spoken of. */
  isOurs: IsOurs;
  /** What Marathon's launch queue holds of the app. */
  queued?: MarathonQueueItem | undefined;
  listening?: Listening;
  /** How many of its instances have ended, where that was counted. */
  ended?: number;
  /** How the last one ended, where it did so by itself, so that Marathon does not count it as a failure. */
  finished?: string;
  /** What the last one that ended printed last. */
  lastWords?: string | undefined;
}

/** What is wrong, without what passes by itself: the reason of a deployment that has failed. */
export function whyOf(facts: WhyFacts): string {
  return why(facts).what;
}

/** What it waits for at this moment, and why. */
export function whyNow(facts: WhyFacts): string {
  const { what, pause } = why(facts);
  if (pause === undefined) return what;
  return `waits ${pause} s more before the next try, after it ended ${timesOf(facts)}: ${what}`;
}

/** `pause`: seconds that Marathon waits since instances ended so. */
function why(facts: WhyFacts): { what: string; pause?: number } {
  const { app, isOurs, queued, listening = new Map() } = facts;
  if (app === undefined) return { what: 'the app is gone from Marathon' };
  const ours = app.tasks.filter((task) => isOurs(task.version));
  const unhealthy = whyUnhealthy(app, ours, listening);
  const ended = howItEnded(facts, app);
  // Of what ends again and again, one that has just begun does not answer yet.
  const isStarting = ended !== undefined && !wasKilled(facts, app) && isSilence(unhealthy ?? '');
  if (unhealthy !== undefined && !isStarting) return { what: unhealthy };
  const pause = pauseOf(queued);
  // While it pauses, Marathon looks at no offer, and what it knows of the last ones is old.
  if (ended !== undefined && pause !== undefined) return { what: ended, pause };
  return { what: whyDeclined(queued) ?? ended ?? howItStands(app, ours, facts) };
}

/** Of the last instance that ended, if it was one of ours. */
function howItEnded(facts: WhyFacts, app: MarathonApp): string | undefined {
  const { isOurs, finished, lastWords } = facts;
  if (finished !== undefined) return finished;
  const failure = app.lastTaskFailure;
  if (!failure || !isOurs(failure.version) || failure.message === '') return undefined;
  const { sentence } = endingOf(failure);
  return lastWords ? `${sentence}; it said last: ${lastWords}` : sentence;
}

/** Since its checks failed: what they say then tells more than that it was ended. */
function wasKilled({ finished }: WhyFacts, { lastTaskFailure }: MarathonApp): boolean {
  return finished === undefined && lastTaskFailure?.state === 'TASK_KILLED';
}

function timesOf({ ended = 1 }: WhyFacts): string {
  return ended > 1 ? `${ended} times` : 'once';
}

function howItStands(app: MarathonApp, ours: MarathonTask[], facts: WhyFacts): string {
  if (ours.length === 0)
    return facts.queued ? 'waits for a node that has room' : 'no instance was started';
  const staging = ours.filter(({ state }) => state === 'TASK_STAGING' || state === 'TASK_STARTING');
  if (staging.length === ours.length) return startingOn(staging);
  for (const task of ours) {
    const [check] = app.healthChecks;
    const port = check && portOf(app, task, check);
    const ports = facts.listening?.get(task.id);
    const astray = port === undefined ? undefined : elsewhere(port, ports);
    if (astray !== undefined) return astray;
  }
  return `its instances are ${statesOf(ours)} and ${unpassed(app, ours)}`;
}

function startingOn(tasks: MarathonTask[]): string {
  const hosts = [...new Set(tasks.flatMap(({ host }) => host ?? []))].slice(0, 3);
  const where = hosts.length > 0 ? ` on ${hosts.join(', ')}` : '';
  return `its image is being pulled or its container made${where}`;
}

const stateWords: Record<string, string> = {
  ...{ TASK_STAGING: 'being made', TASK_STARTING: 'starting', TASK_RUNNING: 'running' },
  ...{ TASK_KILLING: 'being ended', TASK_UNREACHABLE: 'out of reach' },
};

function statesOf(tasks: MarathonTask[]): string {
  const words = tasks.map(({ state = 'unknown' }) => stateWords[state] ?? state);
  return [...new Set(words)].join(', ');
}

function unpassed(app: MarathonApp, tasks: MarathonTask[]): string {
  const [check] = app.healthChecks;
  const [task] = tasks;
  if (!check || !task) return 'have not run for long enough to be believed in';
  const name = nameOf(check, portOf(app, task, check));
  return app.healthChecks.length === 1
    ? `have not passed their check ${name} yet`
    : 'their checks have not passed yet';
}
