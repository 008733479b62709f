/** Which of many log files are kept of a failed instance, and what is told of the others. */
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { LogFile } from '../../src/core/log-file.ts';
import { readTails } from '../../src/deploy/why/log-tails.ts';

/** Log files that hold their own path; what was written last comes last. */
function filesOf(paths: string[]) {
  const files = paths.map((path, modifiedAt): LogFile => ({ path, size: path.length, modifiedAt }));
  return {
    list: async () => files,
    async open(_: string, path: string) {
      const file = files.find((each) => each.path === path);
      return file && { file, bytes: Readable.from([Buffer.from(path)]), start: 0, end: file.size };
    },
  };
}

const paths = (count: number) => Array.from({ length: count }, (_, index) => `logs/${index}`);
const read = (all: string[]) => {
  const logFiles = filesOf(all) as unknown as Parameters<typeof readTails>[0]['logFiles'];
  return readTails({ logFiles, instance: 'a.1', hide: (text) => text, isOver: false });
};

it('of a hundred files and less nothing is left out', async () => {
  const { tails, others } = await read(['', 'stdout', ...paths(99)]);
  expect([tails.length, others]).toEqual([100, 0]);
});

it('of more the newest are kept, and the others are counted', async () => {
  const { tails, others } = await read(['stdout', ...paths(130), 'stderr']);
  expect(tails.slice(0, 3).map(({ path }) => path)).toEqual(['stderr', 'stdout', 'logs/129']);
  expect([tails.length, others]).toEqual([100, 32]);
});
