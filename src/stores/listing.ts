/** Lists of ids in Redis, newest first, of which the oldest are forgotten. */
import type { Redis } from '../clients/redis.ts';
import type { Page, Paging } from '../core/page.ts';

export interface ListingOptions {
  redis: Redis;
  /** How many ids a list keeps. */
  keep: number;
  /** Seconds after which a list that nobody added to is forgotten. */
  keepSeconds: number;
}

export interface Listing {
  /** Puts `id` into the list `key` at its place in time, or moves it there. */
  add(key: string, id: string, at: number): Promise<void>;
  /** A page of ids; its cursor is the last id, so that what is added meanwhile shifts nothing. */
  page(key: string, paging: Paging): Promise<Page<string>>;
}

export function createListing({ redis, keep, keepSeconds }: ListingOptions): Listing {
  return {
    async add(key, id, at) {
      await redis
        .multi()
        .zadd(key, at, id)
        .zremrangebyrank(key, 0, -keep - 1)
        .expire(key, keepSeconds)
        .exec();
    },
    async page(key, { limit, cursor }) {
      if (limit < 1) return { items: [] };
      const before = cursor === undefined ? -1 : await redis.zrevrank(key, cursor);
      // An id that the list has forgotten was older than all that it holds.
      if (before === null) return { items: [] };
      const ids = await redis.zrevrange(key, before + 1, before + 1 + limit);
      const items = ids.slice(0, limit);
      const last = items.at(-1);
      return { items, ...(ids.length > limit && last !== undefined ? { next: last } : {}) };
    },
  };
}

/** Reads the records of a page of ids; those that are forgotten are left out. */
export async function readPage<Item>(
  page: Page<string>,
  find: (id: string) => Promise<Item | undefined>,
): Promise<Page<Item>> {
  const found = await Promise.all(page.items.map(find));
  return { ...page, items: found.filter((item) => item !== undefined) as Item[] };
}
