/** Builds and heads in Redis. */
import type { Redis } from '../clients/redis.ts';
import { activeBuildStates, type Build, type BuildStore, type Heads } from '../core/build.ts';
import { createListing, readPage } from './listing.ts';
import { createRecords, keepSeconds } from './records.ts';

/** Expanded Dockerfiles are needed by the build and soon after it. */
const dockerfileSeconds = 14 * 24 * 60 * 60;

/** How many builds of a project can be listed. */
const keep = 500;

export interface StoreOptions {
  redis: Redis;
  /** Begins every key of this installation. */
  prefix: string;
}

const forgetReasonScript = `
  if redis.call('HGET', KEYS[1], 'state') == ARGV[1] then redis.call('HDEL', KEYS[1], 'reason') end`;

export function createBuildStore({ redis, prefix }: StoreOptions): BuildStore {
  const records = createRecords<Build>({
    redis,
    prefix: `${prefix}:build:`,
    noun: 'build',
    activeStates: activeBuildStates,
    activeKey: `${prefix}:active-builds`,
  });
  const listing = createListing({ redis, keep, keepSeconds });
  const index = (project: number) => `${prefix}:project:${project}:builds`;

  return {
    ...records,
    start: (id) => records.end(id, 'running'),
    async forgetReason(id) {
      await redis.eval(forgetReasonScript, 1, records.key(id), JSON.stringify('queued'));
    },
    async create(build) {
      const kept = await records.create(build);
      await listing.add(index(kept.project), kept.id, kept.createdAt);
      return kept;
    },
    async saveDockerfile(id, { bytes, ...rest }) {
      const value = JSON.stringify({ bytes: bytes.toString('base64'), ...rest });
      await redis.set(`${prefix}:dockerfile:${id}`, value, 'EX', dockerfileSeconds);
    },
    async dockerfile(id) {
      const text = await redis.get(`${prefix}:dockerfile:${id}`);
      if (text === null) return undefined;
      const { bytes, ...rest } = JSON.parse(text);
      return { bytes: Buffer.from(bytes, 'base64'), ...rest };
    },
    list: async (project, paging) =>
      readPage(await listing.page(index(project), paging), records.find),
  };
}

/** Stands in the script for a claim that does not depend on who held the ref. */
const anybody = '*';

const claimScript = `
  local previous = redis.call('HMGET', KEYS[1], 'build', 'sha', 'order')
  if previous[1] == ARGV[1] then return { previous[3], '', '' } end
  if ARGV[3] ~= '*' and (previous[1] or '') ~= ARGV[3] then return false end
  local order = previous[3]
  if ARGV[4] == '1' or previous[2] ~= ARGV[2] then order = redis.call('INCR', KEYS[2]) end
  redis.call('HSET', KEYS[1], 'build', ARGV[1], 'sha', ARGV[2], 'order', order)
  return { tostring(order), previous[1] or '', previous[2] or '' }`;

export function createHeads({ redis, prefix }: StoreOptions): Heads {
  const key = (project: number, ref: string) => `${prefix}:project:${project}:head:${ref}`;

  return {
    async claim({ project, ref, sha, build, after = anybody, isAsked = false }) {
      const answer = await redis.eval(
        claimScript,
        2,
        key(project, ref),
        `${prefix}:project:${project}:order`,
        build,
        sha,
        after,
        isAsked ? '1' : '',
      );
      if (answer === null) return undefined;
      const [order, previousBuild, previousSha] = answer as [string, string, string];
      return {
        order: Number(order),
        ...(previousBuild ? { previous: { build: previousBuild, sha: previousSha } } : {}),
      };
    },
    async current(project, ref) {
      const [build, sha] = await redis.hmget(key(project, ref), 'build', 'sha');
      return build && sha ? { build, sha } : undefined;
    },
    async release(project, ref) {
      await redis.del(key(project, ref));
    },
  };
}
