/** Says why a deployment waits or fails, and keeps the evidence, from all that Marathon and nodes know. */
import { LRUCache } from 'lru-cache';
import type { DataCentres } from '../../clients/data-centres.ts';
import type { MarathonApp, MarathonTask } from '../../clients/marathon.ts';
import type { DeploymentStore } from '../../core/deployment.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { mask, secretValuesOf } from '../../core/secret.ts';
import { isOursAt } from '../rollout/places.ts';
import type { Failed } from '../rollout/site.ts';
import type { CheckMemory } from './check-memory.ts';
import type { EvidenceCollector } from './evidence.ts';
import { type WhyFacts, whyNow, whyOf } from './why.ts';
import {
  type Asked,
  type FactsOptions,
  gatherFacts,
  isHealthy,
  mostLookedAt,
  within,
} from './why-facts.ts';

export interface ExplainerOptions extends FactsOptions {
  dataCentres: Pick<DataCentres, 'find'>;
  deployments: Pick<DeploymentStore, 'find' | 'update'>;
  collector: EvidenceCollector;
  checks: CheckMemory;
  log: Log;
}

export interface Explainer {
  /** Why what is tried does not become healthy, without secrets; keeps the evidence of what still runs. */
  explain(failed: Failed): Promise<string>;
  /** Notes with the deployment, at most every second, why it waits now; keeps evidence of what has ended. */
  notice(failed: Failed): void;
  /** What is known of an app beyond its own answer. */
  factsOf(asked: Asked): Promise<WhyFacts>;
}

/** Milliseconds between two sentences of a deployment that waits. */
const speakEvery = 1_000;
/** Milliseconds for the evidence of what has ended, and of what still runs before it is ended. */
const evidencePatience = 8_000;

export function createExplainer(options: ExplainerOptions): Explainer {
  const { deployments, checks, log } = options;
  const speaking = createPace();

  async function speak(failed: Failed): Promise<void> {
    const { id } = failed.deployment;
    await keepEvidence(options, failed);
    const { failure } = (await deployments.find(id)) ?? {};
    const waiting = failure
      ? `goes back: ${failure.why ?? failure.what}`
      : await whyHere(options, failed);
    if (speaking.isNews(id, waiting)) await deployments.update(id, { waiting });
  }

  return {
    async explain(failed) {
      // What the last one said before it ended is a part of the sentence.
      await within(evidencePatience, keepEvidence(options, failed));
      const facts = await askedOf(options, failed);
      await within(evidencePatience, keepOfUnhealthy(options, failed, facts));
      return hide(failed, whyOf(facts));
    },
    notice(failed) {
      if (failed.app) checks.note(failed.app);
      const onError = (error: unknown) =>
        log.debug({ error: messageOf(error) }, 'cannot say why a deployment waits');
      speaking.begin(failed.deployment.id, () => speak(failed).catch(onError));
    },
    factsOf: (asked) => gatherFacts(options, asked),
  };
}

async function askedOf(options: ExplainerOptions, { place, release, app }: Failed) {
  const { marathon } = options.dataCentres.find(place.dataCentre);
  const isOurs = isOursAt(place, release, app);
  const { dataCentre } = place;
  return gatherFacts(options, { dataCentre, marathon, app, isOurs, release: release.number });
}

function hide({ release }: Failed, text: string): string {
  return mask(text, secretValuesOf(release));
}

/** Why it waits at this place; empty where all goes on. */
async function whyHere(options: ExplainerOptions, failed: Failed): Promise<string> {
  const { app, place } = failed;
  // Nothing was sent yet.
  if (!app && !place.sent && !place.trial) return '';
  if (app && ourTasks(failed).every(isHealthy) && !isShort(failed)) return '';
  const why = hide(failed, whyNow(await askedOf(options, failed)));
  return isOneOfMany(failed) ? `${place.dataCentre}: ${why}` : why;
}

/** One sentence at a time for each deployment, with a pause after each. */
function createPace() {
  const states = new LRUCache<string, { at: number; busy: boolean; said?: string }>({ max: 1_000 });
  return {
    begin(id: string, work: () => Promise<void>): void {
      const state = states.get(id) ?? { at: 0, busy: false };
      if (state.busy || Date.now() - state.at < speakEvery) return;
      states.set(id, Object.assign(state, { busy: true }));
      void work().finally(() => Object.assign(state, { at: Date.now(), busy: false }));
    },
    /** True where something else was said last. */
    isNews(id: string, text: string): boolean {
      const state = states.get(id);
      if (!state || (state.said ?? '') === text) return false;
      state.said = text;
      return true;
    },
  };
}

function isOneOfMany({ deployment: { places = [] } }: Failed): boolean {
  return places.length > 1;
}

function ourTasks({ place, release, app }: Failed): MarathonTask[] {
  const isOurs = isOursAt(place, release, app);
  return (app?.tasks ?? []).filter((task) => isOurs(task.version));
}

function isShort(failed: Failed): boolean {
  return ourTasks(failed).length < (failed.app?.instances ?? 0);
}

/** Of the last instance of the release that failed. */
async function keepEvidence({ collector, checks }: ExplainerOptions, failed: Failed) {
  const { app, place, release } = failed;
  const failure = app?.lastTaskFailure;
  if (!app || !failure || !isOursAt(place, release, app)(failure.version)) return;
  await collector.collect({
    ...{ dataCentre: place.dataCentre, app, instance: failure.taskId },
    ...{ host: failure.host, version: failure.version },
    ...{ state: failure.state, message: failure.message, checks: checks.of(failure.taskId) },
    at: Date.parse(failure.timestamp ?? '') || Date.now(),
  });
}

/** What is known of an instance alone: how others ended tells nothing of it. */
function factsOfOne({ isOurs, listening }: WhyFacts, app: MarathonApp, task: MarathonTask) {
  const alone = { ...app, tasks: [task], lastTaskFailure: undefined };
  return { app: alone, isOurs, ...(listening ? { listening } : {}) };
}

/** Of instances that run and never became healthy: taken before they are ended. */
async function keepOfUnhealthy(
  { collector, checks }: ExplainerOptions,
  failed: Failed,
  facts: WhyFacts,
) {
  const { app, place } = failed;
  if (!app) return;
  checks.note(app);
  const sick = ourTasks(failed).filter((task) => task.state === 'TASK_RUNNING' && !isHealthy(task));
  await Promise.all(
    sick.slice(0, mostLookedAt).map((task) => {
      const { id, host, version } = task;
      const reason = whyOf(factsOfOne(facts, app, task));
      return collector.collect({
        ...{ dataCentre: place.dataCentre, app, instance: id, host, version },
        ...{ state: 'TASK_RUNNING', message: '', reason, checks: checks.of(id), at: Date.now() },
      });
    }),
  );
}
