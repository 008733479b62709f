/** How the output of a job comes into its log: once, in whole lines, without secrets, whatever dies. */
import { beforeEach, describe, expect, it } from 'vitest';
import { RemoteError } from '../../src/core/errors.ts';
import type { Job } from '../../src/core/job.ts';
import { silent } from '../../src/core/log.ts';
import { beyondFile, type LogFiles } from '../../src/core/log-file.ts';
import { createOutput, startOf } from '../../src/jobs/output.ts';
import { sampleJob } from '../support/samples.ts';

let job: Job;
let pieces: Map<number, string>;
let files: Record<string, string>;
let dies: () => void;
const secrets = ['hunter2-hunter2', 'first line\nsecond line'];

const logFiles: Pick<LogFiles, 'list' | 'open'> = {
  list: async () =>
    Object.entries(files).map(([path, text]) => ({ path, size: text.length, modifiedAt: 0 })),
  async open(_, path, { start = 0, end = 0 } = {}) {
    const text = files[path] ?? '';
    if (start >= text.length) throw beyondFile(text.length);
    const bytes = Buffer.from(text).subarray(start, end + 1);
    const file = { path, size: text.length, modifiedAt: 0 };
    return {
      file,
      identity: path,
      bytes: (async function* () {
        yield bytes;
      })(),
    };
  },
};

const output = createOutput({
  jobs: {
    async update(_, change) {
      job = { ...job, ...structuredClone(change) };
      return job;
    },
  },
  logs: {
    async append({ number, bytes }) {
      // A number that is there already is kept as it was first given.
      if (!pieces.has(number)) pieces.set(number, bytes.toString());
      dies();
      return 0;
    },
  },
  logFiles,
  log: silent,
});

const copy = (isLast = false) => output.copy(job, { secrets, isLast });
const logged = () => [...pieces.values()].join('');

beforeEach(() => {
  job = sampleJob({ instance: 'x' });
  pieces = new Map();
  files = {};
  dies = () => undefined;
});

describe('the output of a job', () => {
  it('comes in whole lines as it grows, and the rest at the end', async () => {
    files = { stdout: 'one\ntw', stderr: 'oops\n' };
    await copy();
    expect(logged()).toBe('one\noops\n');
    files['stdout'] += 'o\nthree';
    await copy();
    await copy();
    expect(logged()).toBe('one\noops\ntwo\n');
    await copy(true);
    expect(logged()).toBe('one\noops\ntwo\nthree');
  });

  it('is there once, also when its process dies at any step', async () => {
    files = { stdout: 'one\n', stderr: '' };
    dies = () => {
      throw new Error('killed');
    };
    await expect(copy()).rejects.toThrow('killed');
    files['stdout'] += 'two\n';
    await expect(copy()).rejects.toThrow('killed');
    dies = () => undefined;
    await copy();
    expect(logged()).toBe('one\ntwo\n');
  });

  it('has no secret, nor a line of one', async () => {
    files = { stdout: 'key hunter2-hunter2\nfirst line\n', stderr: '' };
    await copy();
    files['stdout'] += 'second line\nend\n';
    await copy();
    expect(logged()).toBe('key [REDACTED]\n[REDACTED]\n[REDACTED]\nend\n');
  });

  it('comes in pieces of whole characters where a line does not end', async () => {
    files = { stdout: 'x'.repeat(200_000), stderr: '' };
    await copy();
    expect(logged().length).toBeGreaterThan(190_000);
    await copy(true);
    expect(logged()).toBe(files['stdout']);
  });

  it('has no secret where a piece ends in the middle of it', async () => {
    files = {
      stdout: `${'x'.repeat(64 * 1024 - 9)}${secrets[0]}${'y'.repeat(70_000)}`,
      stderr: '',
    };
    await copy();
    await copy(true);
    expect(logged()).toBe(files['stdout']?.replace(secrets[0] ?? '', '[REDACTED]'));
  });

  it('has no part of a secret behind a gap', async () => {
    const half = 1.5 * 1024 * 1024;
    const tail = `${secrets[0]?.slice(4)}\n`.padEnd(half, 'z\n');
    files = { stdout: `${'x\n'.repeat(half)}${secrets[0]?.slice(0, 4)}${tail}`, stderr: '' };
    await copy(true);
    expect(logged()).toContain('[output is left out here]\n');
    expect(logged()).not.toContain(secrets[0]?.slice(-4));
  });

  it('goes on behind what a full file lost, and says so', async () => {
    files = { stdout: `${'line\n'.repeat(1_000)}`, stderr: '' };
    await copy();
    files['stdout'] = 'short\n';
    await copy();
    files['stdout'] += 'more\n';
    await copy();
    expect(logged().replace('line\n'.repeat(1_000), '')).toBe('[output is left out here]\nmore\n');
  });

  it('waits for a node that is away', async () => {
    const away = new RemoteError('away', { code: 'E_NO_NODE' });
    const list = logFiles.list;
    logFiles.list = async () => Promise.reject(away);
    expect(await copy()).toEqual(job);
    logFiles.list = list;
    files = { stdout: 'late\n' };
    await copy();
    expect(logged()).toBe('late\n');
  });

  it.each([
    [{ pieces: 1, stdout: 10, stderr: 0 }, 20, 10],
    [{ pieces: 1, stdout: 10, stderr: 0 }, 5, 5],
    [{ pieces: 1, stdout: 10, stderr: 0 }, 10_000_000, 8_427_136],
    [{ pieces: 1, stdout: 10, stderr: 0, next: { stdout: 12, stderr: 0 } }, 5, 10],
  ])('%j of a file of %d bytes goes on at %d', (printed, size, start) => {
    expect(startOf(printed, 'stdout', size)).toBe(start);
  });
});
