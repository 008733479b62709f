/** Why steps ran anew: by tables of steps, and by what GitLab says of two commits. */
import { describe, expect, it } from 'vitest';
import { createWhy } from '../../../src/build/reuse/explain-steps.ts';
import { whyMissed } from '../../../src/build/reuse/why.ts';
import type { Build } from '../../../src/core/build.ts';
import type { BuildStep } from '../../../src/core/build-step.ts';

type Written = [title: string, state: BuildStep['state'], origin?: string];

const lacks = 'the base image changed, or the cache lacks it';

const stepsOf = (written: Written[]): BuildStep[] =>
  written.map(([title, state, origin], n) => ({
    ...{ title, state, start: n },
    origin: origin ?? `Dockerfile:${n + 1}`,
  }));

const node: Written[] = [
  ['FROM node:20', 'hit'],
  ['COPY package.json package-lock.json ./', 'hit'],
  ['RUN npm ci', 'hit'],
  ['COPY . .', 'hit'],
];

/** The reasons of the steps of `node`, some of them run anew. */
function reasons(missed: number[], changedPaths?: string[], context = '') {
  const written = node.map(
    ([title, state], n): Written => [title, missed.includes(n) ? 'miss' : state],
  );
  const steps = whyMissed({
    ...{ steps: stepsOf(written), previousSteps: stepsOf(node), changedPaths, context },
  });
  return steps.map(({ why }) => why);
}

describe('a step ran anew because', () => {
  it.each<[string, number[], string[], (string | undefined)[]]>([
    [
      'a file changed, and what comes behind it for that reason',
      [1, 2, 3],
      ['package-lock.json'],
      [
        undefined,
        'package-lock.json changed',
        'the step before it ran anew: Dockerfile:2',
        'package-lock.json changed',
      ],
    ],
    [
      'many files changed',
      [3],
      ['a', 'b/c', 'd', 'e', 'f'],
      [undefined, undefined, undefined, 'a, b/c, d and 2 more changed'],
    ],
    [
      'the base image may have changed',
      [0, 1],
      [],
      [undefined, 'the base image changed, or the cache lacks it', undefined, undefined],
    ],
    ['the cache has lost it', [2], [], [undefined, undefined, 'the cache lacks it', undefined]],
  ])('%s', (_, missed, changed, wanted) => {
    expect(reasons(missed, changed)).toEqual(wanted);
  });

  it('nobody has built before', () => {
    const steps = whyMissed({ steps: stepsOf([['RUN a', 'miss']]), context: '' });
    expect(steps[0]?.why).toBe('first build here');
  });

  it('the step before it did, also for a label that is written nowhere', () => {
    const steps = stepsOf([
      ['FROM a', 'hit'],
      ['RUN b', 'miss'],
      ['LABEL c=d', 'miss'],
    ]).map(({ origin, ...step }, n) => (n === 2 ? step : { ...step, origin: origin ?? '' }));
    const [, , label] = whyMissed({ steps, previousSteps: steps, changedPaths: [], context: '' });
    expect(label?.why).toBe('the step before it ran anew: Dockerfile:2');
  });

  it('its words changed', () => {
    const steps = whyMissed({
      steps: stepsOf([['RUN npm ci --omit=dev', 'failed']]),
      previousSteps: stepsOf(node),
      context: '',
    });
    expect(steps[0]?.why).toBe('the instruction changed');
  });

  it('files of the context changed, by their paths in it', () => {
    const changed = ['package.json', 'web/package.json'];
    expect(reasons([1], changed, 'web')[1]).toBe('package.json changed');
    expect(reasons([1], ['package.json'], 'web')[1]).toMatch(/the cache lacks it$/);
  });

  it('something that it copies changed, where nobody knows what', () => {
    expect(reasons([1])[1]).toBe('files that it copies changed');
  });

  it('the stage that it copies from ran anew, in whatever order stages ran', () => {
    const written: Written[] = [
      ['FROM busybox', 'hit', 'Dockerfile:5'],
      ['FROM node:20 AS build', 'hit', 'Dockerfile:1'],
      ['RUN echo', 'miss', 'Dockerfile:6'],
      ['RUN make', 'miss', 'Dockerfile:1 → lib/build.dockerfile:9'],
      ['COPY --from=build /out /', 'miss', 'Dockerfile:7'],
    ];
    const steps = whyMissed({
      steps: stepsOf(written),
      previousSteps: stepsOf(written),
      context: '',
    });
    expect(steps.map(({ why }) => why)).toEqual([
      ...[undefined, undefined, lacks, lacks],
      'stage build ran anew',
    ]);
  });

  it.each([
    ['COPY src/*.js /', 'src/a.js changed'],
    ['COPY src /', 'src/a.js changed'],
    ['COPY ["src/a.js", "/"]', 'src/a.js changed'],
    ['COPY --chown=1:1 ./src/ /', 'src/a.js changed'],
    ['ADD s?c /', 'src/a.js changed'],
    ['COPY sr /', lacks],
    ['COPY src/*.ts /', lacks],
    ['ADD https://example.com/src /', lacks],
    ['COPY [a /', lacks],
  ])('%s: %s', (title, why) => {
    const steps = stepsOf([[title, 'miss']]);
    const changedPaths = ['src/a.js'];
    const [step] = whyMissed({ steps, previousSteps: steps, changedPaths, context: '' });
    expect(step?.why).toBe(why);
  });
});

const record = (id: string, change: Partial<Build>): Build => ({
  ...{ id, project: 1, ref: 'refs/heads/main', sha: id, cause: 'hook', state: 'succeeded' },
  ...{ deployments: [], legs: [], createdAt: 0 },
  ...change,
});

describe('the build to compare with', () => {
  const copy = stepsOf([['COPY . /', 'miss']]);
  const listed = (items: Build[]) => ({ list: async () => ({ items }) });

  function asking(answer: string[] | undefined | Error) {
    const asked: string[] = [];
    const changes = async (_: number, from: string, to: string) => {
      asked.push(`${from}..${to}`);
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { asked, gitlab: { changes } };
  }

  it('is the newest of the ref that has steps', async () => {
    const { asked, gitlab } = asking(['x']);
    const items = [
      record('now', { state: 'running' }),
      record('other', { ref: 'refs/heads/other', steps: copy }),
      record('failed', { state: 'failed', steps: copy }),
      record('reused', {}),
      record('last', { steps: copy }),
      record('older', { steps: copy }),
    ];
    const steps = await createWhy({ gitlab, builds: listed(items) })(record('now', {}), copy);
    expect(steps[0]?.why).toBe('x changed');
    expect(asked).toEqual(['last..now']);
  });

  it('is nobody asked for where nothing ran anew, or nothing was copied', async () => {
    const { asked, gitlab } = asking(['x']);
    const why = createWhy({ gitlab, builds: listed([record('last', { steps: copy })]) });
    const hits = stepsOf([['COPY . /', 'hit']]);
    expect(await why(record('now', {}), hits)).toBe(hits);
    await why(record('now', {}), stepsOf([['RUN a', 'miss']]));
    expect(asked).toEqual([]);
  });

  it('keeps the steps as they are when a part is away', async () => {
    const { gitlab } = asking(new Error('away'));
    const builds = listed([record('last', { steps: copy })]);
    const [step] = await createWhy({ gitlab, builds })(record('now', {}), copy);
    expect(step?.why).toBe('files that it copies changed');
    const list = async () => Promise.reject(new Error('no Redis'));
    expect(await createWhy({ gitlab, builds: { list } })(record('now', {}), copy)).toBe(copy);
  });

  it('does not matter where the cache was not to be used', async () => {
    const { asked, gitlab } = asking([]);
    const why = createWhy({ gitlab, builds: listed([]) });
    const [step] = await why(record('now', { noCache: true }), copy);
    expect(step?.why).toBe('asked to run without the cache');
    expect(asked).toEqual([]);
  });
});
