/** Releases in Redis: what ran or should run, under numbers that an environment's services share. */
import type { Redis } from '../clients/redis.ts';
import type { KeptRelease, NumberedBy, Release, ReleaseStore, Standing } from '../core/release.ts';
import type { Weights } from '../core/traffic.ts';
import type { StoreOptions } from './builds.ts';
import { createEvidenceStore, forgetEvidenceWithout } from './evidence.ts';
import { listApps } from './projects.ts';
import {
  createScript,
  keep,
  markBadScript,
  markGoodScript,
  numberScript,
  reachScript,
} from './release-scripts.ts';

/** What is kept of one release: its record, how it stands, and how requests were shared. */
type Fields = Record<string, string>;

export function createReleaseStore({ redis, prefix }: StoreOptions): ReleaseStore {
  const key = (app: string) => `${prefix}:app:${app}:releases`;
  const counter = ({ project, environment }: NumberedBy) =>
    `${prefix}:project:${project}:environment:${environment}:releases`;

  const { find, list } = createReader(redis, key);

  return {
    find,
    list,
    ...createNumbers({ redis, prefix }, { key, counter }),
    create: (release) => create({ redis, prefix }, [key(release.app), counter(release)], release),
    async standing(app, number) {
      return (await list(app)).find(({ release }) => release.number === number)?.standing;
    },
    async markGood(app, number, weights) {
      const shared = weights === undefined ? '' : JSON.stringify(weights);
      await redis.eval(markGoodScript, 1, key(app), number, Date.now(), shared);
    },
    async markBad(app, number, reason) {
      const text = JSON.stringify({ since: Date.now(), reason });
      await redis.eval(markBadScript, 1, key(app), number, text);
    },
    async isBad(app, { image, sha }) {
      const tries = (await list(app)).filter(
        ({ release, standing }) =>
          standing.state !== 'trying' &&
          release.sha === sha &&
          release.image === (image ?? release.image),
      );
      // What a person brought up all the same since counts, newest first.
      return tries[0]?.standing.state === 'bad';
    },
    good: async (app) => numbersOf(await redis.hgetall(key(app)), 'good'),
    async lastGood(app) {
      const number = await redis.hget(key(app), 'good');
      return number === null ? undefined : find(app, Number(number));
    },
    images: () => imagesOf(redis, `${prefix}:app:*:releases`),
    async delete(app) {
      await redis.del(key(app));
      await createEvidenceStore({ redis, prefix }).forget(app);
    },
  };
}

/** Evidence is kept as long as its release, and a new release is what another gives way to. */
async function create(
  options: StoreOptions,
  [key, counter]: readonly [string, string],
  release: Release,
): Promise<Release> {
  const text = JSON.stringify(release);
  const given = [release.number, text, keep] as const;
  const kept = await options.redis.eval(createScript, 2, key, counter, ...given);
  await forgetEvidenceWithout(options, release.app, key);
  return JSON.parse(String(kept)) as Release;
}

function createReader(redis: Redis, key: (app: string) => string) {
  return {
    async find(app: string, number: number): Promise<Release | undefined> {
      const [text, weights] = await redis.hmget(key(app), `release-${number}`, `weights-${number}`);
      return text ? toRelease(text, weights) : undefined;
    },
    async list(app: string): Promise<KeptRelease[]> {
      const fields: Fields = await redis.hgetall(key(app));
      return numbersOf(fields, 'release').map((number) => {
        const release = toRelease(fields[`release-${number}`] ?? '', fields[`weights-${number}`]);
        return { release, standing: standingOf(fields, release) };
      });
    },
  };
}

interface Keys {
  key: (app: string) => string;
  counter: (where: NumberedBy) => string;
}

function createNumbers({ redis, prefix }: StoreOptions, { key, counter }: Keys) {
  return {
    isNumbered: async (where: NumberedBy) => (await redis.hexists(counter(where), 'last')) === 1,
    async number(where: NumberedBy, request: string) {
      const known = await redis.hexists(counter(where), 'last');
      const floor = known === 1 ? 0 : await highestOf({ redis, prefix }, where, key);
      return Number(await redis.eval(numberScript, 1, counter(where), request, floor));
    },
    async reach(where: NumberedBy, number: number) {
      await redis.eval(reachScript, 1, counter(where), number);
    },
  } satisfies Partial<ReleaseStore>;
}

function toRelease(text: string, weights: string | null | undefined): Release {
  const release = JSON.parse(text) as Release;
  return weights ? { ...release, weights: JSON.parse(weights) as Weights } : release;
}

function standingOf(fields: Fields, { number, createdAt }: Release): Standing {
  const { [`bad-${number}`]: bad, [`good-${number}`]: good } = fields;
  if (bad !== undefined) {
    return { state: 'bad', ...(JSON.parse(bad) as { since: number; reason: string }) };
  }
  // Records of before moments were kept say 1.
  if (good !== undefined) return { state: 'good', since: Math.max(Number(good), createdAt) };
  return { state: 'trying', since: createdAt };
}

/** Numbers of the fields of a kind, newest first. */
function numbersOf(fields: Fields, kind: 'release' | 'good'): number[] {
  return Object.keys(fields)
    .flatMap((field) => {
      const [found, number] = field.split('-');
      return found === kind && number !== undefined ? [Number(number)] : [];
    })
    .sort((a, b) => b - a);
}

/** The highest number that the apps of an environment had while each counted for itself. */
async function highestOf(
  { redis, prefix }: StoreOptions,
  where: NumberedBy,
  key: (app: string) => string,
): Promise<number> {
  const apps = [...(await listApps({ redis, prefix }, where)).values()];
  const last = await Promise.all(apps.map((app) => redis.hget(key(app), 'last')));
  return Math.max(0, ...last.map(Number));
}

async function imagesOf(redis: Redis, pattern: string): Promise<Set<string>> {
  const images = new Set<string>();
  let cursor = '0';
  do {
    const scan = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 500);
    cursor = scan[0];
    for (const found of scan[1]) {
      for (const [field, text] of Object.entries(await redis.hgetall(found))) {
        if (field.startsWith('release-')) images.add((JSON.parse(text) as Release).image);
      }
    }
  } while (cursor !== '0');
  return images;
}
