/** Hints by pub/sub that something changed, for those who listen; one connection for all of them. */
import type { Redis } from '../clients/redis.ts';

export interface Changes {
  /** Calls back whenever `name` is told, until the returned function is called. */
  listen(name: string, onChange: () => void): () => void;
  close(): Promise<void>;
}

export interface ChangesOptions {
  /** One that waits while Redis is away; a copy of it listens. */
  redis: Redis;
  channel: string;
}

/** Connects once somebody listens; what is told while Redis is away is not heard. */
export function createChanges({ redis, channel }: ChangesOptions): Changes {
  const listeners = new Map<string, Set<() => void>>();
  let subscriber: Redis | undefined;

  function connect(): Redis {
    const connection = redis.duplicate();
    connection.on('error', () => undefined);
    connection.on('message', (_channel, name: string) => {
      for (const onChange of listeners.get(name) ?? []) onChange();
    });
    // It subscribes again by itself whenever it has connected again.
    connection.subscribe(channel).catch(() => undefined);
    return connection;
  }

  return {
    listen(name, onChange) {
      subscriber ??= connect();
      const ofName = listeners.get(name) ?? new Set();
      listeners.set(name, ofName.add(onChange));
      return () => {
        ofName.delete(onChange);
        if (ofName.size === 0) listeners.delete(name);
      };
    },
    async close() {
      subscriber?.disconnect();
      listeners.clear();
    },
  };
}
