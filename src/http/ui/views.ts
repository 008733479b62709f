/** Makes of Ekiden's records what the pages show. */
import { type Ability, type Caller, isAllowed } from '../../core/access.ts';
import type { Build } from '../../core/build.ts';
import type { BuildStep } from '../../core/build-step.ts';
import { type Deployment, reasonNow } from '../../core/deployment.ts';
import { type Instance, shortId } from '../../core/instance.ts';
import type { ServiceDetail } from '../../core/service.ts';
import { showSpan } from '../../core/span.ts';
import { type Leg, withLeg } from '../../core/timeline.ts';
import { describeWaiting } from '../../core/waiting.ts';

/** Which actions are shown; the API decides again about each. */
export function abilitiesOf(caller: Caller, level: number, environment?: string) {
  const may = (ability: Ability) =>
    caller.mayChange && isAllowed(level, { ability, ...(environment ? { environment } : {}) });
  return {
    build: may('build'),
    deploy: may('deploy'),
    restart: may('restart'),
    rollback: may('rollback'),
    scale: may('scale'),
    configure: may('configure'),
  };
}

/** A point in time for programs and, until a script makes it friendlier, for people. */
export function showTime(milliseconds: number) {
  const iso = new Date(milliseconds).toISOString();
  return { iso, text: `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC` };
}

export function showRef(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, '');
}

/** The legs that ended, and of a build that runs the one under way: what began last has no end in its record. */
export function legsSoFar({ state, legs, steps = [] }: Build): Leg[] {
  const made = legs.find(({ name }) => name === 'build')?.end;
  const [first] = steps;
  if (state !== 'running' || !first) return legs;
  return withLeg(
    legs,
    made === undefined ? { name: 'build', start: first.start } : { name: 'push', start: made },
  );
}

/** The legs as bars: `from` and `length` in hundredths of the whole; what has ended is no longer under way. */
export function showLegs(legs: Leg[], { isOver = false, now = Date.now() } = {}) {
  const start = Math.min(...legs.map((leg) => leg.start));
  const last = Math.max(...legs.map((leg) => leg.end ?? (isOver ? leg.start : now)));
  const scale = 100 / Math.max(1, last - start);
  const open = isOver ? 'not finished' : 'under way';
  return legs.map(({ name, start: from, end: to }) => ({
    name,
    from: Math.min(99, (from - start) * scale).toFixed(2),
    length: Math.max(1, ((to ?? last) - from) * scale).toFixed(2),
    took: to === undefined ? open : showSpan(to - from),
  }));
}

const stepWords: Record<BuildStep['state'], string> = {
  ...{ running: 'running', hit: 'cached', miss: 'run', failed: 'failed', canceled: 'canceled' },
};

/** The steps of the Dockerfile as rows; one that was taken from the cache took no time of its own. */
export function showSteps(steps: BuildStep[] = []) {
  return steps.map(({ title, origin, state, start, end, why }, index) => ({
    ...{ number: index + 1, title, state: stepWords[state], origin: origin ?? '', why: why ?? '' },
    took: end === undefined || state === 'hit' ? '' : showSpan(end - start),
  }));
}

/** An address is a link only where it leads to a site: it is written by whoever writes manifests. */
export function showAddress(address: string) {
  return { address, isLink: /^https?:\/\//.test(address) };
}

export function showBuild(build: Build) {
  const { id, state, sha, ref, createdAt, by, legs } = build;
  const reason = state === 'queued' ? describeWaiting(build) : (build.reason ?? '');
  return {
    ...{ id, state, sha: sha.slice(0, 12), ref: showRef(ref), reason },
    by: by ?? '',
    created: showTime(createdAt),
    took: tookOf(state, legs),
  };
}

export function showDeployment(deployment: Deployment) {
  const { id, build, state, sha, environment, service, createdAt, by, legs } = deployment;
  return {
    ...{ id, build, state, environment, sha: sha.slice(0, 12) },
    reason: reasonNow(deployment) ?? '',
    ...{ service: service.name, kind: deployment.kind ?? 'push', by: by ?? '' },
    release: deployment.release ?? null,
    created: showTime(createdAt),
    took: tookOf(state, legs),
  };
}

/** Nothing while it goes on. */
function tookOf(state: string, legs: Leg[]): string {
  const ends = legs.flatMap(({ end }) => (end === undefined ? [] : [end]));
  if (ends.length === 0 || state === 'queued' || state === 'running') return '';
  return showSpan(Math.max(...ends) - Math.min(...legs.map(({ start }) => start)));
}

/** `path` is that of the service's page, `api` its address in the API. */
export function showService(detail: ServiceDetail, at: { path: string; api: string }) {
  const { service, environment, health, reason, instances, release, scale } = detail;
  return {
    ...{ name: service, environment, health, reason: reason ?? '' },
    ...{ ...at, wanted: instances.wanted, healthy: instances.healthy },
    addresses: detail.addresses.map(showAddress),
    variables: detail.variables,
    release: release
      ? { ...release, sha: release.sha.slice(0, 12), created: showTime(release.createdAt) }
      : null,
    scale: scale ? { ...scale, at: showTime(scale.at) } : null,
    places: (detail.places ?? []).map(
      ({ dataCentre, release: number, instances: counts, ...is }) => ({
        ...{ dataCentre, release: number ?? null, reason: is.reason ?? '' },
        ...{ wanted: counts?.wanted ?? 0, healthy: counts?.healthy ?? 0 },
        away: is.awaySince === undefined ? null : showTime(is.awaySince),
      }),
    ),
    list: detail.list.map((instance) => showInstance(instance, at.path)),
  };
}

function showInstance(instance: Instance, path: string) {
  const { id, state, reason, host, ports, startedAt, isRouted } = instance;
  const where = host === undefined ? '' : [host, ...ports.slice(0, 1)].join(':');
  return {
    ...{ id, state, reason: reason ?? '', where, isRouted },
    short: shortId(id),
    started: startedAt === undefined ? null : showTime(startedAt),
    path: `${path}/instances/${encodeURIComponent(id)}`,
  };
}
