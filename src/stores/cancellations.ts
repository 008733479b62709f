/** Tells whoever runs a build that it is no longer wanted; a hint, the record is the truth. */
import { z } from 'zod';
import { parseJson } from '../core/json.ts';
import type { StoreOptions } from './builds.ts';

const messageSchema = z.object({ build: z.string(), reason: z.string() });

export interface Cancellations {
  publish(build: string, reason: string): Promise<void>;
  /** Calls back for each cancellation until the returned function is called. */
  subscribe(onCancel: (build: string, reason: string) => void): Promise<() => Promise<void>>;
}

export function createCancellations({ redis, prefix }: StoreOptions): Cancellations {
  const channel = `${prefix}:cancellations`;

  return {
    async publish(build, reason) {
      await redis.publish(channel, JSON.stringify({ build, reason }));
    },
    async subscribe(onCancel) {
      const subscriber = redis.duplicate();
      subscriber.on('error', () => undefined);
      subscriber.on('message', (_, text) => {
        const message = messageSchema.safeParse(parseJson(text));
        if (message.success) onCancel(message.data.build, message.data.reason);
      });
      await subscriber.subscribe(channel);
      return async () => subscriber.disconnect();
    },
  };
}
