/** Where a deployment goes, and how far it is in each data centre. */
import type { DataCentres } from '../../clients/data-centres.ts';
import type { MarathonApp } from '../../clients/marathon.ts';
import type { Deployment, DeploymentStore, Place } from '../../core/deployment.ts';
import type { ServiceSpec } from '../../core/manifest.ts';
import type { Release } from '../../core/release.ts';
import { type IsOurs, versionsOf } from './progress.ts';

/** Names of the data centres in which a service runs. */
export function dataCentresOf(
  { dataCentres }: Pick<ServiceSpec, 'dataCentres'>,
  known: Pick<DataCentres, 'defaults'>,
): readonly string[] {
  return dataCentres && dataCentres.length > 0 ? [...new Set(dataCentres)] : known.defaults();
}

/** The places of a deployment that has none yet, in the order of its rollout. */
export function placesOf(deployment: Deployment, known: Pick<DataCentres, 'defaults'>): Place[] {
  const { marathon: sent, app } = deployment;
  const since = Date.now();
  const [first, ...others] = dataCentresOf(deployment.service, known);
  if (first === undefined) return [];
  const waiting = (dataCentre: string): Place => ({ dataCentre, state: 'waiting', since });
  // An older Ekiden sent to one Marathon, and kept that beside the places that it did not know.
  const begun = deployment.legs.find(({ name }) => name === 'deploy')?.start ?? since;
  const started: Partial<Place> = sent
    ? { state: 'rolling', strategy: 'rolling', app, sent, begun }
    : {};
  return [{ ...waiting(first), ...started }, ...others.map(waiting)];
}

/** Tells the instances of the release in one of the two apps that the service may have there. */
export function isOursAt(
  { app: live, sent, trial }: Pick<Place, 'app' | 'sent' | 'trial'>,
  { number }: Pick<Release, 'number'>,
  app: MarathonApp | undefined,
): IsOurs {
  const given = app === undefined || app.id === live ? sent : trial;
  return versionsOf(app, { release: number, ...(given === undefined ? {} : { marathon: given }) });
}

/** The places of one deployment while it is worked on, each change written at once. */
export interface PlaceBook {
  all(): readonly Place[];
  find(dataCentre: string): Place;
  note(dataCentre: string, change: Partial<Place>): Promise<void>;
}

/** One process works on a deployment at a time, though on several of its places. */
export function openPlaces(
  deployments: Pick<DeploymentStore, 'update'>,
  { id, places = [] }: Deployment,
): PlaceBook {
  let all = places;
  const find = (dataCentre: string) => {
    const place = all.find((each) => each.dataCentre === dataCentre);
    if (place) return place;
    throw new Error(`The deployment ${id} does not go to ${dataCentre}.`);
  };
  return {
    all: () => all,
    find,
    async note(dataCentre, change) {
      const before = find(dataCentre);
      const isMoved = change.state !== undefined && change.state !== before.state;
      const place = { ...before, ...change, ...(isMoved ? { since: Date.now() } : {}) };
      all = all.map((each) => (each.dataCentre === dataCentre ? place : each));
      await deployments.update(id, { places: all });
    },
  };
}
