/** What instances of a release that have ended tell of why it does not go on: how, and their last words. */
import { describe, expect, it } from 'vitest';
import { appSchema } from '../../src/clients/marathon-model.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { silent } from '../../src/core/log.ts';
import { createCheckMemory } from '../../src/deploy/why/check-memory.ts';
import type { FailedInstance } from '../../src/deploy/why/evidence.ts';
import { createExplainer } from '../../src/deploy/why/explain.ts';
import { lastWordsOf } from '../../src/deploy/why/log-tails.ts';
import { whyNow } from '../../src/deploy/why/why.ts';
import { gatherFacts } from '../../src/deploy/why/why-facts.ts';
import { sampleDeployment, sampleRelease } from '../support/samples.ts';

const begun = '2026-01-02T00:00:00.000Z';
const after = (seconds: number) => new Date(Date.parse(begun) + seconds * 1_000);
const finished = 'ended by itself, with status 0; a service has to go on';

const ended = (seconds: number, change: Partial<Evidence> = {}): Evidence => ({
  ...{ instance: `i${seconds}`, app: '/a', project: 7, environment: 'production', service: 'web' },
  ...{ release: 3, dataCentre: 'paris', at: after(seconds).getTime(), checks: [], logs: [] },
  ...{ state: 'TASK_FINISHED', reason: finished, exit: { code: 0, outOfMemory: false } },
  ...change,
});
const failure = (seconds: number) => ({
  ...{ taskId: 'x', state: 'TASK_FAILED', message: 'Container exited with status 3' },
  ...{ version: begun, timestamp: after(seconds).toISOString() },
});

async function why(kept: Evidence[], lastTaskFailure?: object): Promise<string> {
  const evidence = {
    list: async () => kept,
    count: async () => kept.length,
    find: async (_app: string, _release: number, id: string) =>
      kept.find(({ instance }) => instance === id),
  };
  const app = appSchema.parse({ id: '/a', version: begun, instances: 1, lastTaskFailure });
  const facts = await gatherFacts(
    { evidence, witness: { factsOf: async () => undefined } },
    {
      ...{ dataCentre: 'paris', app, release: 3, marathon: { queue: async () => [] } },
      isOurs: (version) => version === begun,
    },
  );
  return whyNow(facts);
}

describe('an end that Marathon takes for no failure', () => {
  it.each([
    ['is told', [ended(5)], undefined, finished],
    ['is told after a failure', [ended(5)], failure(2), finished],
    ['is not after which one failed', [ended(5)], failure(8), 'exited with status 3'],
    ['is not of an earlier try', [ended(-60)], undefined, 'no instance was started'],
    [
      'is not of another data centre',
      [ended(5, { dataCentre: 'lyon' })],
      undefined,
      'no instance was started',
    ],
    [
      'is not where it runs',
      [ended(5, { state: 'TASK_RUNNING' })],
      undefined,
      'no instance was started',
    ],
  ])('%s', async (_, kept, lastTaskFailure, wanted) => {
    expect(await why(kept, lastTaskFailure)).toBe(wanted);
  });
});

it('what runs beside those that ended has a reason of its own', async () => {
  const kept: FailedInstance[] = [];
  const running = { id: 'runs', appId: '/a', state: 'TASK_RUNNING', version: begun };
  const app = appSchema.parse({
    ...{ id: '/a', version: begun, instances: 1, lastTaskFailure: failure(5) },
    ...{ healthChecks: [{ protocol: 'TCP', port: 80 }] },
    tasks: [{ ...running, healthCheckResults: [{ alive: false, lastFailureCause: 'refused' }] }],
    labels: { 'ekiden.release': '3' },
  });
  const explainer = createExplainer({
    evidence: { list: async () => [], count: async () => 1, find: async () => undefined },
    witness: { factsOf: async () => ({ isAlive: true, listening: [] }) },
    dataCentres: { find: () => ({ marathon: { queue: async () => [] } }) as never },
    deployments: {} as never,
    collector: { collect: async (failed) => void kept.push(failed) },
    checks: createCheckMemory(),
    log: silent,
  });
  const place = {
    dataCentre: 'paris',
    app: '/a',
    sent: { version: begun, deployment: 'd' },
    state: 'rolling',
    since: 1,
  } as const;
  const deployment = sampleDeployment();
  const release = sampleRelease({ number: 3 });
  expect(await explainer.explain({ deployment, release, place, app })).toBe('exited with status 3');
  expect(kept.map(({ instance, state, reason }) => [instance, state, reason])).toEqual([
    ['x', 'TASK_FAILED', undefined],
    ['runs', 'TASK_RUNNING', 'listens on no port, checked 80'],
  ]);
});

const node = [
  ...['node:events:497', '      throw er;', '      ^', '', 'Error: listen EADDRINUSE :::8080'],
  ...['    at Server.setup (node:net:1908:16)', "Emitted 'error' event on Server instance at:"],
  ...[
    '    at emitErrorNT (node:net:1887:8) {',
    "  code: 'EADDRINUSE'",
    '}',
    '',
    'Node.js v20.20.2',
  ],
];
const java = ['INFO starting', 'Caused by: java.net.BindException: in use', '\tat sun.nio.ch.Net'];

describe('the last words', () => {
  it.each([
    ['are the last line', { stderr: ['one', 'two', '  '] }, 'two'],
    ['are those of stderr', { stdout: ['out'], stderr: ['err'] }, 'err'],
    ['are those of stdout where stderr is silent', { stdout: ['out'], stderr: [''] }, 'out'],
    ['are the error of Node.js', { stderr: node }, 'Error: listen EADDRINUSE :::8080'],
    ['are the cause of Java', { stderr: java }, 'Caused by: java.net.BindException: in use'],
    ['may be a frame where there is nothing else', { stderr: ['  at x'] }, 'at x'],
    ['have no colours', { stderr: ['\x1b[31mred\x1b[0m'] }, 'red'],
    ['are none', { stdout: [] }, undefined],
  ])('%s', (_, files, wanted) => {
    const logs = Object.entries(files).map(([path, lines]) => ({ path, lines }));
    expect(lastWordsOf(logs)).toBe(wanted);
  });
});
