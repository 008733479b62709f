/** Whose build is next: by examples, and by what must hold whoever pushes what and when. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  beginTurn,
  buildsOf,
  endTurn,
  noTurns,
  prioritiesOf,
  type Turns,
  takeTurn,
} from '../../src/core/turns.ts';

/** `a1`: the first build of project a; in upper case, for production. */
function take(turns: Turns, ...builds: string[]): Turns {
  return builds.reduce(
    (line, build) =>
      takeTurn(line, {
        build,
        project: build.toLowerCase().charCodeAt(0),
        isProduction: build !== build.toLowerCase(),
      }),
    turns,
  );
}

function orderOf(turns: Turns): string[] {
  return [...prioritiesOf(turns)].sort(([, a], [, b]) => a - b).map(([build]) => build);
}

const order = (turns: Turns) => orderOf(turns).join(' ');

/** Takes up the next build, as a free slot does. */
function beginNext(turns: Turns): { turns: Turns; build: string | undefined } {
  const [build] = orderOf(turns);
  return { turns: build === undefined ? turns : beginTurn(turns, build), build };
}

describe('the order', () => {
  test.each([
    ['who came first is the first', ['a1', 'b1', 'c1'], 'a1 b1 c1'],
    ['each project has one build a round', ['a1', 'a2', 'a3', 'b1', 'b2'], 'a1 b1 a2 b2 a3'],
    ['production goes first within its project', ['a1', 'a2', 'A3'], 'A3 a1 a2'],
    ['production goes first within a round', ['a1', 'B1', 'c1', 'C2'], 'B1 C2 a1 c1'],
    ['production keeps its own order', ['A1', 'A2', 'a3', 'A4'], 'A1 A2 A4 a3'],
    ['a build is in line once', ['a1', 'b1', 'a1'], 'a1 b1'],
  ])('%s', (_, builds, wanted) => {
    expect(order(take(noTurns, ...builds))).toBe(wanted);
  });

  test('a project that comes to fifty builds is the next', () => {
    const fifty = Array.from({ length: 50 }, (_, index) => `a${index}`);
    let turns = take(noTurns, ...fifty);
    for (const _ of Array(20)) turns = beginNext(turns).turns;
    expect(orderOf(take(turns, 'b1')).slice(0, 2)).toEqual(['b1', 'a20']);
  });

  test('who has a build under way waits for one of the fifty, not for two', () => {
    const turns = beginNext(take(noTurns, 'b1', 'a1')).turns;
    expect(order(take(turns, 'a2', 'a3', 'b2'))).toBe('a1 b2 a2 a3');
    expect(order(take(endTurn(turns, 'b1'), 'a2', 'a3', 'b2'))).toBe('a1 b2 a2 a3');
  });

  test('production without end does not keep others from their turn', () => {
    let turns = beginNext(take(noTurns, 'A1', 'b1')).turns;
    turns = take(turns, 'A2');
    expect(order(turns)).toBe('b1 A2');
  });

  test('what is given up leaves no debt, and those behind it move up', () => {
    let turns = take(noTurns, 'a1', 'a2', 'a3', 'a4', 'b1', 'b2');
    for (const build of ['a1', 'a2', 'a3']) turns = endTurn(turns, build);
    expect(order(turns)).toBe('a4 b1 b2');
    expect(endTurn(turns, 'never')).toEqual(turns);
  });

  test('nothing is left of those that ended or were given up', () => {
    const turns = endTurn(beginTurn(take(noTurns, 'a1', 'b1'), 'a1'), 'b1');
    expect(buildsOf(turns)).toEqual(['a1']);
    expect(endTurn(turns, 'a1')).toEqual(noTurns);
  });

  test('a build that runs counts, also where nobody waited when it began', () => {
    const turns = beginTurn(take(noTurns, 'a1'), 'a1');
    expect(order(take(turns, 'a2', 'a3', 'b1'))).toBe('b1 a2 a3');
    expect(take(turns, 'a1')).toEqual(turns);
    expect(order(take(endTurn(turns, 'a1'), 'a2', 'a3', 'b1'))).toBe('a2 b1 a3');
  });

  test('a project that got ahead waits for the others once, also after it had nothing to build', () => {
    let turns = take(noTurns, 'a1', 'b1', 'b2');
    turns = beginNext(turns).turns;
    expect(order(take(turns, 'a2'))).toBe('b1 a2 b2');
  });
});

/** A happening: a project pushes (or its build is for production), a slot is free, a build is given up. */
const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ push: fc.constantFrom('a', 'b', 'c', 'd', 'e') }) },
  { weight: 1, arbitrary: fc.record({ push: fc.constantFrom('A', 'B', 'C', 'D', 'E') }) },
  { weight: 4, arbitrary: fc.constant({ begin: true as const }) },
  { weight: 1, arbitrary: fc.record({ drop: fc.nat() }) },
);

type Happening = { push: string } | { begin: true } | { drop: number };

/**
 * Plays happenings with so many slots; answers the most builds of one other project for which a build
 * waited while it was the next of its own project: those that began, and with one slot also the one
 * that ran when it came.
 */
function mostWaitedFor(happenings: Happening[], slots: number): number {
  let turns = noTurns;
  let most = 0;
  let running: string[] = [];
  /** Of each project that waits: for how many builds of each other one. */
  const counts = new Map<string, Map<string, number>>();
  const waits = (project: string) => orderOf(turns).some((each) => projectOf(each) === project);
  const push = (build: string) => {
    const project = projectOf(build);
    const isNew = !buildsOf(turns).some((each) => projectOf(each) === project);
    const ahead =
      isNew && slots === 1 ? running.map((each): [string, number] => [projectOf(each), 1]) : [];
    if (!waits(project)) counts.set(project, new Map(ahead));
    turns = take(turns, build);
  };
  const begin = () => {
    for (const ended of running.slice(slots - 1)) turns = endTurn(turns, ended);
    running = running.slice(0, slots - 1);
    const next = beginNext(turns);
    if (next.build === undefined) return;
    turns = next.turns;
    running = [next.build, ...running];
    const project = projectOf(next.build);
    counts.set(project, new Map());
    for (const other of [...counts.keys()].filter((each) => each !== project && waits(each))) {
      const count = (counts.get(other)?.get(project) ?? 0) + 1;
      counts.get(other)?.set(project, count);
      most = Math.max(most, count);
    }
  };
  happenings.forEach((happening, index) => {
    const line = orderOf(turns);
    if ('push' in happening) push(`${happening.push}${index}`);
    else if ('begin' in happening) begin();
    else turns = endTurn(turns, line[happening.drop % Math.max(1, line.length)] ?? '');
  });
  return most;
}

const projectOf = (build: string) => build.charAt(0).toLowerCase();

const noProduction = happening.map((each) =>
  'push' in each ? { push: each.push.toLowerCase() } : each,
);

describe.each([1, 2, 3])('whatever happens with %i slots', (slots) => {
  test('no project waits for more than one build of another', () => {
    const property = fc.property(fc.array(noProduction, { maxLength: 120 }), (happenings) => {
      expect(mostWaitedFor(happenings, slots)).toBeLessThanOrEqual(1);
    });
    fc.assert(property, { numRuns: 200 });
  });

  test('production makes nobody wait for more than one build more', () => {
    const property = fc.property(fc.array(happening, { maxLength: 120 }), (happenings) => {
      expect(mostWaitedFor(happenings, slots)).toBeLessThanOrEqual(2);
    });
    fc.assert(property, { numRuns: 200 });
  });
});

describe('however much there is', () => {
  test('priorities stay within those of BullMQ for as long as nothing ends', () => {
    let turns = take(noTurns, 'b0');
    for (let count = 0; count < 9_000; count += 1) {
      turns = take(turns, `a${count}`, `c${count}`);
      const next = beginNext(take(turns, `b${count + 1}`));
      const other = beginNext(next.turns);
      turns = beginNext(other.turns).turns;
      expect(prioritiesOf(turns).size).toBe(1);
      for (const priority of prioritiesOf(turns).values()) {
        expect(priority).toBeGreaterThanOrEqual(1);
        expect(priority).toBeLessThanOrEqual(2 ** 21);
      }
    }
  });

  test('more projects than seats, and more builds than rounds, are still in line', () => {
    const builds = Array.from({ length: 300 }, (_, project) => ({
      ...{ build: `p${project}`, project, isProduction: false },
    }));
    const many = Array.from({ length: 9_000 }, (_, index) => ({
      ...{ build: `m${index}`, project: 999, isProduction: true },
    }));
    const turns = [...builds, ...many.slice(0, 100)].reduce(takeTurn, noTurns);
    expect(new Set(orderOf(turns).slice(0, 301))).toContain('p299');
    const share = { project: 1, round: 5_000, seat: 127, waiting: many, running: [] };
    const priorities = [...prioritiesOf({ round: 0, shares: [share] }).values()];
    expect(Math.max(...priorities)).toBeLessThanOrEqual(2 ** 21);
    expect(priorities.toSorted((a, b) => a - b)).toEqual(priorities);
  });
});
