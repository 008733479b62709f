/** `ekiden clean` and the endpoint behind it: what went, what would go, and who may ask. */
import { expect, test } from 'vitest';
import type { CleaningReport } from '../../../src/core/cleaning.ts';
import { useRedis } from '../../support/redis.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();

const report: CleaningReport = {
  dryRun: false,
  host: {
    removed: [{ names: ['registry/a:sha-1', 'registry/a:main'], bytes: 12_345_678 }],
    bytes: 12_345_678,
    notes: ['registry/b:main stays: it is used'],
  },
  buildCache: 2_000_000_000,
  registry: { removed: [{ names: ['registry/a:sha-1'], bytes: 900 }], bytes: 900, notes: [] },
};

async function open(answer: Partial<CleaningReport> = report) {
  const terminal = await openTerminal(redis);
  const asked: boolean[] = [];
  const { api } = terminal;
  api.ekiden.cleaning = {
    async clean({ dryRun }) {
      asked.push(dryRun);
      return { ...answer, dryRun };
    },
    cleanSoon: () => undefined,
  };
  const run = (...args: string[]) => terminal.runAs(api.gitlab.token, 'clean', ...args);
  return { ...terminal, run, asked };
}

test('what went is told by place, with what stayed and how much that freed', async () => {
  const { run, asked } = await open();
  expect((await run()).out.split('\n')).toEqual([
    '12.3 MB  registry/a:sha-1 registry/a:main',
    'This host: 1 image, 12.3 MB went',
    '  registry/b:main stays: it is used',
    '900 B  registry/a:sha-1',
    'Registry: 1 image, 900 B went',
    'Cache of BuildKit: 2.0 GB went',
    'The registry gives room back once its own garbage collection has run.',
    '',
  ]);
  expect(asked).toEqual([false]);
});

test('a dry run only says what would go', async () => {
  const { run, asked } = await open();
  const { out } = await run('--dry-run');
  expect(out).toContain('This host: 1 image, 12.3 MB would go');
  expect(out).not.toContain('garbage collection');
  expect(asked).toEqual([true]);
  expect(JSON.parse((await run('--dry-run', '--json')).out)).toEqual({ ...report, dryRun: true });
});

test('what the cache of BuildKit may keep is told where nothing bounds it', async () => {
  const { buildCache: _, ...others } = report;
  const { run } = await open(others);
  expect((await run('--dry-run')).out.split('\n').at(-2)).toBe(
    'What BuildKit keeps in its cache too is free once that is smaller: EKIDEN_BUILD_CACHE, or docker builder prune.',
  );
});

test('a machine without Docker says so', async () => {
  const { run } = await open({ registry: { removed: [], bytes: 0, notes: [] } });
  expect((await run()).out).toBe(
    'Registry: 0 images, 0 B went\nThis host has no Docker that answers.\n',
  );
});

test('nobody else’s token cleans, not even an owner’s', async () => {
  const { api, runAs, asked } = await open();
  const { code, err } = await runAs(api.tokens.owner, 'clean');
  expect([code, err]).toEqual([1, expect.stringContaining('own token cleans')]);
  expect(await api.call('POST', '/clean', { token: api.tokens.owner, body: {} })).toMatchObject({
    ...{ status: 403, body: { code: 'E_SERVICE_ONLY' } },
  });
  const wrong = { token: api.gitlab.token, body: { dryRun: 'yes' } };
  expect(await api.call('POST', '/clean', wrong)).toMatchObject({ status: 422 });
  expect(asked).toEqual([]);
});
