/** Rolling replacement and scaling: what starts and what goes in every situation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRestart, decideScale, type Member } from '../../src/engine/deployments/rolling.ts';

/** `o` old, `n` new; upper case is healthy, lower case runs but is not; `s` is new and not started, `w` old. */
function members(letters: string): Member[] {
  return [...letters].map((letter, index) => ({
    id: `${letter}${index}`,
    outdated: 'ow'.includes(letter.toLowerCase()),
    latest: !'ow'.includes(letter.toLowerCase()),
    healthy: letter !== letter.toLowerCase(),
    condition: 'sw'.includes(letter) ? 'Scheduled' : 'Running',
    since: index,
  }));
}

interface Case {
  name: string;
  instances: number;
  min?: number;
  over?: number;
  now: string;
  dying?: number;
  start: number;
  kill: string[];
  done?: boolean;
}

const situation = ({ instances, min = 1, over = 1, now, dying = 0 }: Case) => ({
  app: {
    instances,
    killSelection: 'YOUNGEST_FIRST' as const,
    upgradeStrategy: { minimumHealthCapacity: min, maximumOverCapacity: over },
  },
  members: members(now),
  dying,
});

const restarts: Case[] = [
  { name: 'starts all beside the old', instances: 2, now: 'OO', start: 2, kill: [] },
  { name: 'waits for health', instances: 2, now: 'OOnn', start: 0, kill: [] },
  { name: 'kills one for one', instances: 2, now: 'OONn', start: 0, kill: ['O1'] },
  { name: 'kills the rest at the end', instances: 2, now: 'ONN', start: 0, kill: ['O0'] },
  { name: 'waits for the dying', instances: 2, now: 'NN', dying: 1, start: 0, kill: [] },
  { name: 'ends', instances: 2, now: 'NN', start: 0, kill: [], done: true },
  {
    name: 'kills first without room above',
    instances: 4,
    min: 0.5,
    over: 0,
    now: 'OOOO',
    start: 0,
    kill: ['O3', 'O2'],
  },
  {
    name: 'starts only when the killed are dead',
    instances: 4,
    min: 0.5,
    over: 0,
    now: 'OO',
    dying: 2,
    start: 0,
    kill: [],
  },
  {
    name: 'starts in the room of the dead',
    instances: 4,
    min: 0.5,
    over: 0,
    now: 'OO',
    start: 2,
    kill: [],
  },
  {
    name: 'keeps to the minimum',
    instances: 4,
    min: 0.5,
    over: 0,
    now: 'OOnn',
    start: 0,
    kill: [],
  },
  {
    name: 'takes one more where nothing could move',
    instances: 2,
    min: 1,
    over: 0,
    now: 'OO',
    start: 1,
    kill: [],
  },
  {
    name: 'moves on though the old are sick',
    instances: 2,
    min: 1,
    over: 0,
    now: 'ooN',
    start: 0,
    kill: ['o1'],
  },
  {
    name: 'makes no room while a new one may still become healthy',
    instances: 3,
    min: 1,
    over: 0,
    now: 'oOn',
    start: 0,
    kill: [],
  },
  {
    name: 'ends what waits for its launch',
    instances: 2,
    min: 0,
    over: 0,
    now: 'ww',
    start: 0,
    kill: ['w1', 'w0'],
  },
  {
    name: 'ends what waits for its launch, and kills nothing else for it',
    instances: 3,
    min: 1,
    over: 0,
    now: 'OOw',
    start: 0,
    kill: ['w2'],
  },
  {
    name: 'rounds the minimum up and the maximum down',
    instances: 3,
    min: 0.5,
    over: 0.5,
    now: 'OOO',
    start: 1,
    kill: ['O2'],
  },
  {
    name: 'kills the surplus of a smaller app',
    instances: 1,
    now: 'OOO',
    start: 0,
    kill: ['O2', 'O1'],
  },
  { name: 'kills the sick of the old first', instances: 2, now: 'OoN', start: 1, kill: ['o1'] },
  { name: 'goes on from a broken deployment', instances: 1, now: 'Oo', start: 0, kill: ['o1'] },
  {
    name: 'kills all at once where no capacity is asked for',
    instances: 2,
    min: 0,
    over: 0,
    now: 'OO',
    start: 0,
    kill: ['O1', 'O0'],
  },
  { name: 'counts what waits for its launch', instances: 2, now: 'OOss', start: 0, kill: [] },
  { name: 'never replaces a sick new one by another', instances: 1, now: 'On', start: 0, kill: [] },
];

describe('decideRestart', () => {
  it.each(restarts)('$name: $instances of $now', (one) => {
    const { start, kill, done = false } = one;
    expect(decideRestart(situation(one))).toEqual({ start, kill, done });
  });

  it('never undershoots the minimum by its own kills, and comes to its end', () => {
    const fraction = fc.constantFrom(0, 0.25, 0.5, 1);
    fc.assert(
      fc.property(fc.nat(6), fraction, fraction, (count, min, over) => {
        const instances = count + 1;
        let now = 'O'.repeat(instances);
        for (let round = 0; round < 50; round++) {
          const one = { name: '', instances, min, over, now, start: 0, kill: [] };
          const { start, kill, done } = decideRestart(situation(one));
          if (done) return;
          const left = members(now).filter(({ id }) => !kill.includes(id));
          const healthy = left.filter((member) => member.healthy).length;
          expect(healthy).toBeGreaterThanOrEqual(Math.ceil(instances * min));
          now = left.map(({ id }) => id.charAt(0)).join('') + 'n'.repeat(start);
          expect(now.length).toBeLessThanOrEqual(Math.max(instances * (1 + over), instances + 1));
          // One of the new ones becomes healthy before the next look.
          now = now.replace('n', 'N');
        }
        throw new Error(`no end: ${now}`);
      }),
    );
  });
});

const scales: Case[] = [
  { name: 'starts what is missing', instances: 3, now: 'N', start: 2, kill: [] },
  { name: 'waits for the health of the new', instances: 2, now: 'Nn', start: 0, kill: [] },
  { name: 'does not wait for old ones', instances: 2, now: 'oN', start: 0, kill: [], done: true },
  { name: 'kills what does not run first', instances: 1, now: 'Ns', start: 0, kill: ['s1'] },
  { name: 'kills by age, be they sick or not', instances: 2, now: 'NnN', start: 0, kill: ['N2'] },
  { name: 'kills the youngest', instances: 1, now: 'NN', start: 0, kill: ['N1'] },
];

describe('decideScale', () => {
  it.each(scales)('$name: $instances of $now', (one) => {
    const { start, kill, done = false } = one;
    expect(decideScale(situation(one))).toEqual({ start, kill, done });
  });

  it('kills the oldest first when the app says so', () => {
    const { app, ...rest } = situation({ name: '', instances: 1, now: 'NN', start: 0, kill: [] });
    const decision = decideScale({ app: { ...app, killSelection: 'OLDEST_FIRST' }, ...rest });
    expect(decision.kill).toEqual(['N0']);
  });
});
