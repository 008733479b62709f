/** Brings data centres that were away to the releases that their services have elsewhere. */
import type { PlacedApp } from '../../clients/data-centres.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import type { Release } from '../../core/release.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import {
  type CatchingUpOptions,
  isBehind,
  isLeftBehind,
  isSettled,
  servesIn,
  type There,
} from './behind.ts';
import { bringUp, confirm, drop, leave, tidy } from './bringing-up.ts';
import { judge } from './judging.ts';
import { isAwayNoted, noteThere } from './late-places.ts';
import { dataCentresOf } from './places.ts';
import { masked } from './reversal.ts';

export type { CatchingUpOptions } from './behind.ts';

/** So many services of a data centre that is back change at a time. */
const atOnce = 8;

/** Looks once; answers true where it is worth another look soon. */
export async function catchUp(options: CatchingUpOptions): Promise<boolean> {
  const { dataCentres, install } = options;
  const { apps, away } = await dataCentres.apps({ label: `ekiden.install==${install}` });
  const missing = new Set(away.map(({ dataCentre }) => dataCentre));
  const behind: Behind[] = [];
  for (const [service, ofService] of byService(apps)) {
    await judgeOne(options, service, ofService);
    behind.push(...(await behindOf(options, service, ofService, missing)));
  }
  let isWorthIt = away.length > 0;
  await inTurns(behind, async ({ step, ...there }) => {
    try {
      await steps[step](options, there);
    } catch (error) {
      // What Marathon refuses now it refuses the next moment as well.
      isWorthIt ||= !(error instanceof InputError);
      await noteProblem(options, there, error);
    }
  });
  return isWorthIt;
}

/** What cannot be told of one service now keeps no other from being brought up to date. */
async function judgeOne(options: CatchingUpOptions, service: string, apps: PlacedApp[]) {
  try {
    await judge(options, service, apps);
  } catch (error) {
    const fields = { app: service, error: messageOf(error) };
    options.log.warn(fields, 'a release could not be judged');
  }
}

/** It is tried again with the next look; until then people read what is in the way. */
async function noteProblem(options: CatchingUpOptions, there: There, error: unknown) {
  // Marathon may have repeated a part of the definition.
  const reason = await masked(options, { app: there.service }, messageOf(error));
  options.log.warn({ ...there, error: reason }, 'a data centre could not be brought up to date');
  await noteThere(options, there, reason);
}

function byService(apps: readonly PlacedApp[]): Map<string, PlacedApp[]> {
  const services = new Map<string, PlacedApp[]>();
  for (const app of apps) {
    const service = serviceAppOf(app.id);
    services.set(service, [...(services.get(service) ?? []), app]);
  }
  return services;
}

const steps = { bringUp, confirm, leave, tidy, drop };

interface Behind extends There {
  step: keyof typeof steps;
}

async function behindOf(
  options: CatchingUpOptions,
  service: string,
  apps: PlacedApp[],
  away: ReadonlySet<string>,
): Promise<Behind[]> {
  const { dataCentres, releases } = options;
  const wanted = await releases.lastGood(service);
  if (!wanted) return unwantedOf(options, service, apps);
  const places = dataCentresOf(wanted.spec, dataCentres);
  const found: Behind[] = [];
  for (const { name: dataCentre } of dataCentres.list()) {
    const there = apps.filter((app) => app.dataCentre === dataCentre);
    if (away.has(dataCentre)) continue;
    const step = places.includes(dataCentre)
      ? await stepAt(options, wanted, there)
      : leaveAt(there, servesIn(places, wanted, apps));
    if (step !== undefined && (await isSettled(options, service))) {
      found.push({ service, dataCentre, step });
    }
  }
  return found;
}

/** A first release that did not work, and whose deployment could not take it back. */
async function unwantedOf(
  options: CatchingUpOptions,
  service: string,
  apps: PlacedApp[],
): Promise<Behind[]> {
  if (!(await isLeftBehind(options, service))) return [];
  const places = new Set(apps.map(({ dataCentre }) => dataCentre));
  return [...places].map((dataCentre) => ({ service, dataCentre, step: 'drop' }));
}

/** What is to be done where the service belongs; undefined where all is as it should be. */
async function stepAt(
  options: CatchingUpOptions,
  wanted: Release,
  there: PlacedApp[],
): Promise<Behind['step'] | undefined> {
  if (await isBehind(options, wanted, there)) return 'bringUp';
  if (there.length > 1) return 'tidy';
  // Its answer was lost, or it was not healthy yet.
  return (await isAwayNoted(options, there)) ? 'confirm' : undefined;
}

/** A service ends where it belongs no more once it has come to where it belongs. */
function leaveAt(there: PlacedApp[], isServed: boolean): 'leave' | undefined {
  return there.length > 0 && isServed ? 'leave' : undefined;
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
