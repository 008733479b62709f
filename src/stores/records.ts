/** Records in Redis: one hash a record, one JSON value a field, so that fields change alone. */
import type { Redis } from '../clients/redis.ts';
import { NotFoundError } from '../core/errors.ts';

/** Records that nobody changed for so long are forgotten. */
export const keepSeconds = 90 * 24 * 60 * 60;

const createScript = `
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
  redis.call('HSET', KEYS[1], unpack(ARGV, 3))
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  if ARGV[2] ~= '' then redis.call('SADD', KEYS[2], ARGV[2]) end
  return 1`;

const endScript = `
  local state = redis.call('HGET', KEYS[1], 'state')
  for i = 4, #ARGV do
    if state == ARGV[i] then
      redis.call('HSET', KEYS[1], 'state', ARGV[1])
      if ARGV[3] ~= '' then redis.call('SREM', KEYS[2], ARGV[3]) end
      if ARGV[2] ~= '' then
        redis.call('HSET', KEYS[1], 'reason', ARGV[2])
      else
        redis.call('HDEL', KEYS[1], 'reason')
      end
      return 1
    end
  end
  return 0`;

/** What ended without a word here, or was forgotten, is left out from now on. */
const activeScript = `
  local active = {}
  for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    local state, isActive = redis.call('HGET', ARGV[1] .. id, 'state'), false
    for i = 2, #ARGV do isActive = isActive or state == ARGV[i] end
    if isActive then table.insert(active, id) else redis.call('SREM', KEYS[1], id) end
  end
  return active`;

interface Identified {
  id: string;
  state: string;
}

export interface Records<T extends Identified> {
  /** Where a record lies, for scripts that change more than that record. */
  key(id: string): string;
  /** Names and values of its fields in turns, as a script takes them. */
  fieldsOf(record: T): string[];
  find(id: string): Promise<T | undefined>;
  create(record: T): Promise<T>;
  update(id: string, change: Partial<T>): Promise<T>;
  /**
   * Moves a record that is active into `state`; false when it is not active. Without a reason for
   * that, the one for which it waited is forgotten.
   */
  end(id: string, state: T['state'], reason?: string): Promise<boolean>;
  /**
   * Moves a record from one active state into another, once; false when it was in none such. Without a
   * reason for that, the one for which it waited is forgotten.
   */
  move(id: string, from: T['state'], to: T['state'], reason?: string): Promise<boolean>;
  /** Ids of those that have not ended. */
  active(): Promise<string[]>;
}

export interface RecordsOptions {
  redis: Redis;
  /** Begins each key, such as `ekiden:build:`. */
  prefix: string;
  /** What is kept, for messages. */
  noun: string;
  /** States from which a record can end. */
  activeStates: readonly string[];
  /** Where the ids of those in such a state lie. */
  activeKey: string;
}

/** Opens the records below a key prefix. */
export function createRecords<T extends Identified>(options: RecordsOptions): Records<T> {
  const { redis, prefix, noun, activeStates, activeKey } = options;
  const active = activeStates.map((each) => JSON.stringify(each));
  const key = (id: string) => `${prefix}${id}`;

  async function find(id: string): Promise<T | undefined> {
    const fields = await redis.hgetall(key(id));
    return fields['id'] === undefined ? undefined : decode<T>(fields);
  }

  async function existing(id: string): Promise<T> {
    const record = await find(id);
    if (record) return record;
    throw new NotFoundError(`There is no ${noun} ${id}.`, { code: 'E_NOT_FOUND' });
  }

  const fieldsOf = (record: T) => Object.entries(encode(record)).flat();

  return {
    key,
    fieldsOf,
    find,
    async create(record) {
      const fields = fieldsOf(record);
      const { id, state } = record;
      const begun = activeStates.includes(state) ? id : '';
      const keys = [key(id), activeKey] as const;
      const isNew = await redis.eval(createScript, 2, ...keys, keepSeconds, begun, ...fields);
      return isNew === 0 ? existing(id) : record;
    },
    async update(id, change) {
      if ((await redis.exists(key(id))) === 0) return existing(id);
      await redis.multi().hset(key(id), encode(change)).expire(key(id), keepSeconds).exec();
      return existing(id);
    },
    async end(id, state, reason) {
      const ended = activeStates.includes(state) ? '' : id;
      const given = [JSON.stringify(state), textOf(reason), ended, ...active];
      return (await redis.eval(endScript, 2, key(id), activeKey, ...given)) === 1;
    },
    async move(id, from, to, reason) {
      const given = [JSON.stringify(to), textOf(reason), '', JSON.stringify(from)];
      return (await redis.eval(endScript, 2, key(id), activeKey, ...given)) === 1;
    },
    active: async () =>
      (await redis.eval(activeScript, 1, activeKey, prefix, ...active)) as string[],
  };
}

/** As scripts take it, where none is the empty text. */
function textOf(reason: string | undefined): string {
  return reason === undefined ? '' : JSON.stringify(reason);
}

function encode(record: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, JSON.stringify(value)]],
    ),
  );
}

function decode<T>(fields: Record<string, string>): T {
  return Object.fromEntries(
    Object.entries(fields).map(([name, text]) => [name, JSON.parse(text)]),
  ) as T;
}
