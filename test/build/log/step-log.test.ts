/** The steps of a build in its log and its record. */
import { expect, it, onTestFinished, test, vi } from 'vitest';
import { createBuildLogs } from '../../../src/build/log/build-log.ts';
import { createStepLog } from '../../../src/build/log/step-log.ts';
import { StepPrinter } from '../../../src/build/log/step-printer.ts';
import { stepTable } from '../../../src/build/log/step-text.ts';
import type { LogAddition } from '../../../src/core/build-log.ts';
import type { BuildStep, StepEvent } from '../../../src/core/build-step.ts';
import { maskersOf } from '../../../src/core/secret.ts';

const at = Date.UTC(2026, 10, 22, 7, 10, 0);
const started = (step: string, title: string, seconds = 0): StepEvent => ({
  ...{ type: 'started', step, title, at: at + seconds * 1_000 },
});
const output = (step: string, text: string): StepEvent => ({ type: 'output', step, text });
type EndState = (StepEvent & { type: 'ended' })['state'];
const ended = (step: string, state: EndState, seconds: number): StepEvent => ({
  ...{ type: 'ended', step, state, at: at + seconds * 1_000 },
});
const masker = maskersOf([]);

function printed(events: StepEvent[]): string {
  const parts: string[] = [];
  const printer = new StepPrinter({ write: (text) => parts.push(text), masker }, 0);
  for (const event of events) printer.take(event);
  return parts.join('');
}

it.each<[string, StepEvent[], string]>([
  [
    'one after the other',
    [
      { ...started('a', 'FROM node:20'), origin: 'Dockerfile:1' } as StepEvent,
      ended('a', 'hit', 0),
      started('b', 'RUN npm ci', 1),
      output('b', 'added '),
      output('b', '3 packages\n'),
      ended('b', 'miss', 2.25),
    ],
    `07:10:00 #1 FROM node:20  (Dockerfile:1)
07:10:00 #1 from the cache
07:10:01 #2 RUN npm ci
added 3 packages
07:10:02 #2 1.3 s
`,
  ],
  [
    'side by side, a line at a time',
    [
      started('a', 'RUN one'),
      output('a', 'half a '),
      started('b', 'RUN two', 1),
      output('b', '10%\r20%\r'),
      output('a', 'line\n'),
      output('b', '100%\nno end'),
      ended('b', 'failed', 3),
      output('a', 'alone again\n'),
      ended('a', 'canceled', 4),
    ],
    `07:10:00 #1 RUN one
half a 
07:10:01 #2 RUN two
#1 line
#2 100%
#2 no end
07:10:03 #2 failed after 2.0 s
alone again
07:10:04 #1 canceled after 4.0 s
`,
  ],
  [
    'with colours that nobody ended',
    [
      started('a', 'RUN one'),
      output('a', '\x1b[31mred\n'),
      started('b', 'RUN two', 1),
      output('a', 'and\n'),
      ended('b', 'miss', 2),
      ended('a', 'miss', 3),
    ],
    `07:10:00 #1 RUN one
\x1b[31mred
07:10:01 #2 RUN two
#1 and
07:10:02 #2 1.0 s
\x1b[0m07:10:03 #1 3.0 s
`,
  ],
  [
    'with what belongs to none, and what nobody began',
    [
      started('a', 'RUN one'),
      output('a', 'half'),
      { type: 'said', text: 'pulled node:20\n' },
      output('x', 'from nowhere\n'),
      ended('x', 'miss', 1),
    ],
    '07:10:00 #1 RUN one\nhalf\npulled node:20\nfrom nowhere\n',
  ],
])('steps %s', (_, events, wanted) => {
  expect(printed(events)).toBe(wanted);
});

/** What the log holds of these events, with secrets of one line and of two. */
async function logged(events: StepEvent[]): Promise<string> {
  const parts: Buffer[] = [];
  const append = async ({ bytes }: LogAddition) => parts.push(bytes);
  const log = createBuildLogs({ append }).open('b1');
  log.hide(['open-sesame-42', 'hunter2\nhunter2']);
  const steps = createStepLog({ log, save: async () => undefined });
  for (const event of events) await steps.take(event);
  await log.close();
  return Buffer.concat(parts).toString();
}

it.each<[string, StepEvent[], string]>([
  [
    'a step that begins',
    [
      started('a', 'RUN one'),
      output('a', 'pw open-ses'),
      started('b', 'RUN two'),
      output('a', 'ame-42\n'),
    ],
    '07:10:00 #1 RUN one\npw \n07:10:00 #2 RUN two\n#1 [REDACTED]\n',
  ],
  [
    'a step that comes and goes',
    [
      started('a', 'RUN one'),
      output('a', 'pw open-ses'),
      started('b', 'RUN two'),
      ended('b', 'hit', 0),
      output('a', 'ame-42\n'),
    ],
    '07:10:00 #1 RUN one\npw \n07:10:00 #2 RUN two\n07:10:00 #2 from the cache\n[REDACTED]\n',
  ],
  [
    'a word of the builder',
    [
      started('a', 'RUN one'),
      output('a', 'pw open-ses'),
      { type: 'said', text: 'pulled node:20\n' },
      output('a', 'ame-42\n'),
    ],
    '07:10:00 #1 RUN one\npw \npulled node:20\n[REDACTED]\n',
  ],
  [
    'the numbers of steps side by side',
    [
      started('a', 'RUN one'),
      started('b', 'RUN two'),
      output('a', 'a hunter2\n'),
      output('b', 'between\n'),
      output('a', 'hunter2 b\n'),
    ],
    '07:10:00 #1 RUN one\n07:10:00 #2 RUN two\n#1 a \n#2 between\n#1 [REDACTED] b\n',
  ],
  [
    'no secret at all, in the end',
    [started('a', 'RUN one'), output('a', 'pw open-ses'), ended('a', 'miss', 1)],
    '07:10:00 #1 RUN one\npw open-ses\n07:10:01 #1 1.0 s\n',
  ],
])('a secret is taken out also around %s', async (_, events, wanted) => {
  vi.useFakeTimers({ now: at, toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  expect(await logged(events)).toBe(wanted);
});

test('a line of any length is whole also while other steps run', () => {
  const long = 'x'.repeat(17_000);
  const log = printed([
    started('a', 'RUN one'),
    started('b', 'RUN two'),
    output('a', `short\n${long}`),
    output('a', `${long}\nmore\n`),
    output('a', long),
    output('b', 'between\n'),
    output('a', `${long}\n`),
  ]);
  const [first, second, third, between, ...rest] = log.split('\n').slice(2);
  expect([first, second, third]).toEqual(['#1 short', `#1 ${long}${long}`, '#1 more']);
  expect([between?.length, rest[0]]).toEqual([16 * 1024 + 3, '#2 between']);
  expect(log.match(/x/g)).toHaveLength(4 * long.length);
});

test('a step that began in an earlier build is told now', () => {
  const parts: string[] = [];
  const printer = new StepPrinter({ write: (text) => parts.push(text), masker }, at + 60_000);
  printer.take(started('a', 'FROM node'));
  printer.take(ended('a', 'hit', 61));
  expect(parts).toEqual(['07:11:00 #1 FROM node\n', '07:11:01 #1 from the cache\n']);
});

test('a table of steps', () => {
  const steps: BuildStep[] = [
    { title: 'FROM node:20', state: 'hit', start: at, end: at + 5 },
    { title: 'COPY . .', state: 'miss', start: at, end: at + 351, why: 'index.js changed' },
    {
      title: `RUN ${'x'.repeat(100)}`,
      state: 'failed',
      start: at,
      end: at + 125_000,
      why: 'step 2 ran',
    },
    { title: `RUN ${'y'.repeat(100)}`, state: 'hit', start: at, end: at },
    { title: 'CMD node', state: 'running', start: at },
  ];
  expect(stepTable(steps)).toBe(
    [
      '#1  cached                FROM node:20',
      '#2  run        351 ms     COPY . .                                          index.js changed',
      `#3  failed     2 min 5 s  RUN ${'x'.repeat(43)}…  step 2 ran`,
      `#4  cached                RUN ${'y'.repeat(91)}…`,
      '#5  not ended             CMD node',
    ].join('\n'),
  );
});

test('steps are in the record while they run and at the end, with reasons and without secrets', async () => {
  const saved: BuildStep[][] = [];
  const parts: string[] = [];
  const steps = createStepLog({
    log: {
      write: (text) => void parts.push(text),
      room: async () => undefined,
      masked: (text) => text.replaceAll('hunter2', '[REDACTED]'),
      masker,
    },
    save: async (now) => void saved.push(structuredClone(now)),
    why: async (all) => all.map((step) => ({ ...step, why: 'app.js changed' })),
  });
  await steps.take(started('a', 'RUN test hunter2'));
  await expect.poll(() => saved.length).toBe(1);
  await steps.take(ended('a', 'miss', 1));
  await steps.close();
  expect(saved.map(([step]) => [step?.title, step?.state, step?.why])).toEqual([
    ['RUN test [REDACTED]', 'running', undefined],
    ['RUN test [REDACTED]', 'miss', 'app.js changed'],
  ]);
  expect(parts.join('')).toMatch(
    /\n\n#1 {2}run {2}1\.0 s {2}RUN test \[REDACTED\] {2}app\.js changed\n$/,
  );
});

test('without reasons, or a record that can be changed, the log tells all the same', async () => {
  const parts: string[] = [];
  const fail = () => Promise.reject(new Error('away'));
  const steps = createStepLog({
    log: {
      ...{ write: (text) => void parts.push(text), room: async () => {} },
      ...{ masked: (text) => text, masker },
    },
    save: fail,
    why: fail,
  });
  await steps.take(started('a', 'RUN one'));
  await steps.take(ended('a', 'hit', 1));
  await steps.close();
  expect(parts.join('')).toContain('#1  cached    RUN one\n');
});
