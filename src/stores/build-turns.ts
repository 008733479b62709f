/** The turns of builds in Redis: one value, changed by whoever read what is still there. */
import pLimit from 'p-limit';
import type { Redis } from '../clients/redis.ts';
import { ConflictError } from '../core/errors.ts';
import {
  type BuildTurns,
  beginTurn,
  buildsOf,
  endTurn,
  noTurns,
  prioritiesOf,
  type Turns,
  takeTurn,
} from '../core/turns.ts';

/** Others that change the same are done in a moment; each time one of them gets through. */
const tries = 100;
const longestPause = 10;

const changeScript = `
  if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
  if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
  return 1`;

export interface BuildTurnsOptions {
  redis: Redis;
  prefix: string;
  /** Moves a build that waits in the queue. */
  reprioritize: (build: string, priority: number) => Promise<void>;
}

export function createBuildTurns(options: BuildTurnsOptions): BuildTurns {
  const { redis, prefix } = options;
  const key = `${prefix}:build-turns`;
  // Only processes contend so, and what one process moves is moved in order.
  const oneByOne = pLimit(1);
  const change = (decide: (turns: Turns) => Turns) => oneByOne(() => changeNow(decide));

  async function changeNow(decide: (turns: Turns) => Turns): Promise<Map<string, number>> {
    for (let count = 0; count < tries; count += 1) {
      const text = (await redis.get(key)) ?? '';
      const before = parse(text);
      const after = decide(before);
      if (after === before) return prioritiesOf(before);
      if ((await redis.eval(changeScript, 1, key, text, textOf(after))) === 1) {
        return moved(options, prioritiesOf(before), prioritiesOf(after));
      }
      await new Promise((wake) => setTimeout(wake, Math.random() * longestPause));
    }
    throw new ConflictError('The line of builds changes too fast.', {
      code: 'E_LOCKED',
      hint: 'Ask again in a minute.',
      retryable: true,
    });
  }

  return {
    async take(turn) {
      const priorities = await change((turns) => takeTurn(turns, turn));
      return priorities.get(turn.build) ?? 1;
    },
    async begin(build) {
      await change((turns) => beginTurn(turns, build));
    },
    async end(build) {
      await change((turns) => endTurn(turns, build));
    },
    priorities: async () => prioritiesOf(parse((await redis.get(key)) ?? '')),
    builds: async () => buildsOf(parse((await redis.get(key)) ?? '')),
  };
}

function parse(text: string): Turns {
  return text === '' ? noTurns : JSON.parse(text);
}

function textOf(turns: Turns): string {
  return turns === noTurns ? '' : JSON.stringify(turns);
}

/** Where a build is taken in or given up between others, those others have new priorities. */
async function moved(
  { reprioritize }: BuildTurnsOptions,
  before: Map<string, number>,
  after: Map<string, number>,
): Promise<Map<string, number>> {
  const elsewhere = [...after].filter(([build, priority]) => {
    return before.has(build) && before.get(build) !== priority;
  });
  await Promise.all(elsewhere.map(([build, priority]) => reprioritize(build, priority)));
  return after;
}
