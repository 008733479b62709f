/** Weights of instances in Redis, and a hint to balancers whenever they change. */
import type { TrafficStore, Weights } from '../core/traffic.ts';
import type { StoreOptions } from './builds.ts';

export function createTrafficStore({ redis, prefix }: StoreOptions): TrafficStore {
  const key = `${prefix}:traffic`;
  const drains = `${prefix}:draining`;
  const channel = `${prefix}:traffic-changes`;

  return {
    async find(app) {
      const text = await redis.hget(key, app);
      return text === null ? {} : (JSON.parse(text) as Weights);
    },
    async drain(app, instances, milliseconds) {
      const now = Date.now();
      const over = drainsIn(await redis.hgetall(drains)).filter(({ until }) => until <= now);
      const write = redis.multi();
      for (const { instance } of over) write.hdel(drains, instance);
      for (const instance of instances) {
        write.hset(drains, instance, JSON.stringify({ app, until: now + milliseconds }));
      }
      await write.publish(channel, app).exec();
    },
    async all() {
      const [kept, draining] = await Promise.all([redis.hgetall(key), redis.hgetall(drains)]);
      const all = new Map(
        Object.entries(kept).map(([app, text]) => [app, JSON.parse(text) as Weights]),
      );
      for (const { instance, app, until } of drainsIn(draining)) {
        if (until > Date.now()) all.set(app, { ...all.get(app), [instance]: 0 });
      }
      return all;
    },
    async save(app, weights) {
      const isEmpty = Object.keys(weights).length === 0;
      const write = redis.multi();
      if (isEmpty) write.hdel(key, app);
      else write.hset(key, app, JSON.stringify(weights));
      await write.publish(channel, app).exec();
    },
    watch: (onChange, signal) => watch({ redis, channel }, onChange, signal),
  };
}

async function watch(
  { redis, channel }: { redis: StoreOptions['redis']; channel: string },
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const subscriber = redis.duplicate();
  subscriber.on('error', () => undefined);
  const tell = () => {
    if (!signal.aborted) onChange();
  };
  subscriber.on('message', tell);
  // What was told while the connection was lost was not heard; it subscribes again by itself.
  subscriber.on('ready', tell);
  subscriber.subscribe(channel).catch(() => undefined);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  subscriber.disconnect();
}

/** Which instances are drained, and until when in milliseconds since the epoch. */
function drainsIn(fields: Record<string, string>) {
  return Object.entries(fields).map(([instance, text]) => {
    const { app, until } = JSON.parse(text) as { app: string; until: number };
    return { instance, app, until };
  });
}
