/** Chooses the releases that services go back to; a function of data. */
import { ConflictError } from '../../core/errors.ts';
import type { KeptRelease, Release } from '../../core/release.ts';

/** A service that runs, and what is kept of it. */
export interface RunningService {
  service: string;
  /** Number of the release that runs. */
  current: number;
  /** Number of the one that a deployment under way takes the place of. */
  before?: number;
  /** Newest first. */
  kept: KeptRelease[];
}

export interface WantedBack {
  environment: string;
  /** Default: the one that is replaced just now, else the last one before the current that was healthy. */
  release?: number;
  /** Also one that never became healthy. */
  force?: boolean;
}

/**
 * What the services had at the number: the release of that number where a service has it, else the last
 * good one before. A service that runs just that, or was not there yet, is left alone.
 * @throws ConflictError when that is nothing, with the releases that there are.
 */
export function chooseReleases(services: RunningService[], wanted: WantedBack): Release[] {
  const number = wanted.release ?? earlierNumber(services);
  if (number === undefined) throw nothing(services, wanted, 'no earlier release');
  const exact = services.flatMap(({ kept }) =>
    kept.filter(({ release }) => release.number === number),
  );
  if (exact.length === 0) throw nothing(services, wanted, `no release ${number}`);
  if (!wanted.force) for (const each of exact) refuseUnless(each, services);
  const chosen = services.flatMap((each) => chosenOf(each, number));
  if (chosen.length === 0) throw nothing(services, wanted, `no release ${number}`);
  return chosen;
}

/** What a deployment under way takes the place of, else the highest good number below that of the environment. */
function earlierNumber(services: RunningService[]): number | undefined {
  const before = services.flatMap((each) => each.before ?? []);
  if (before.length > 0) return Math.max(...before);
  const current = Math.max(...services.map((each) => each.current));
  const good = goodNumbers(services).filter((number) => number < current);
  return good[0];
}

function chosenOf({ kept, current }: RunningService, number: number): Release[] {
  const found = kept.find(
    ({ release, standing }) =>
      release.number === number || (release.number < number && standing.state === 'good'),
  );
  return found && found.release.number !== current ? [found.release] : [];
}

function refuseUnless({ release, standing }: KeptRelease, services: RunningService[]): void {
  if (standing.state === 'good') return;
  const { number, service } = release;
  const why = standing.state === 'bad' ? `is bad: ${standing.reason}` : 'never became healthy';
  throw new ConflictError(`Release ${number} of ${service} ${why}.`, {
    code: 'E_RELEASE',
    hint: `${thereAre(services)} Say force to bring it back all the same.`,
  });
}

function nothing(
  services: RunningService[],
  { environment }: WantedBack,
  what: string,
): ConflictError {
  const who = services.length === 1 ? services[0]?.service : environment;
  return new ConflictError(`${who} has ${what} that was healthy to go back to.`, {
    code: 'E_RELEASE',
    hint: thereAre(services),
  });
}

function thereAre(services: RunningService[]): string {
  const running = [...new Set(services.map(({ current }) => current))].sort((a, b) => b - a);
  const good = goodNumbers(services).filter((number) => !running.includes(number));
  const runs = `${running.join(' and ')} ${running.length > 1 ? 'run' : 'runs'}.`;
  if (good.length > 0) return `Healthy were ${good.join(', ')}; ${runs}`;
  return `No other release was healthy so far; ${runs}`;
}

/** Of all services, newest first, each once. */
function goodNumbers(services: RunningService[]): number[] {
  const good = services.flatMap(({ kept }) =>
    kept.flatMap(({ release, standing }) => (standing.state === 'good' ? [release.number] : [])),
  );
  return [...new Set(good)].sort((a, b) => b - a);
}
