/** What a deployment tries beside what ran before: whether somebody may decide about it, and what it waits for. */
import type { Deployment } from './deployment.ts';
import type { Strategy } from './manifest.ts';

/** Of a deployment, as far as it tells whether it waits for a word. */
export interface Trial {
  state: string;
  failure?: unknown;
  decision?: unknown;
  places?: { state: string; strategy?: string | undefined }[] | undefined;
}

/** True for a canary beside what was there before, until somebody has said how it goes on. */
export function isUndecided({ state, failure, decision, places = [] }: Trial): boolean {
  if (state !== 'running' || failure || decision) return false;
  return places.some(
    (place) =>
      place.strategy === 'canary' && (place.state === 'trial' || place.state === 'holding'),
  );
}

/** What new instances that get requests wait for, in one sentence; undefined where none do. */
export function describeTrial(deployment: Deployment): string | undefined {
  const { state, failure, decision, deploy, places = [] } = deployment;
  const place = places.find((each) => each.state === 'holding');
  if (state !== 'running' || failure || decision || !place) return undefined;
  const sentence = sentenceOf(deploy.strategy, place.since);
  return sentence && places.length > 1 ? `${place.dataCentre}: ${sentence}` : sentence;
}

function sentenceOf(strategy: Strategy, since: number): string | undefined {
  if (strategy.kind === 'rolling') return undefined;
  if (strategy.kind === 'blue-green') {
    const end = timeOf(since + strategy.keep * 1000);
    return `the new instances get all requests; the old ones are kept until ${end}`;
  }
  return strategy.hold === 'manual'
    ? 'the canary gets requests; it waits until somebody decides that it goes on or back'
    : `the canary gets requests until ${timeOf(since + strategy.hold * 1000)}; then the others follow`;
}

/** Such as 2026-11-22 14:50:40 UTC. */
function timeOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
