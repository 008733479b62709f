/** How fast INCLUDE expands a large Dockerfile, and how little a Dockerfile without INCLUDE pays for it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExpandOptions, expandDockerfile } from '../../src/build/dockerfile/index.ts';
import { packageFolder } from '../../src/paths.ts';
import { median } from './measure.ts';
import type { Row } from './stage.ts';

const rounds = 5;
const includes = 99;
const expandedBytes = 1_000 * 1024;
const plainBytes = 8_000_000;

export async function measureExpansion(): Promise<Row[]> {
  const sample = await readFile(
    join(packageFolder, 'test/fixtures/dockerfiles/service.dockerfile'),
  );
  const plain = Buffer.from(repeat(sample.toString('latin1'), plainBytes), 'latin1');
  const commented = Buffer.concat([Buffer.from('# Pieces to include come later.\n'), plain]);
  return [
    {
      what: `INCLUDE: expansion to 1,000 KiB through ${includes} includes`,
      measured: inMilliseconds(await measureIncludes(sample.toString('latin1'))),
      aim: '≤ 100 ms',
    },
    await measurePlain('a Dockerfile without INCLUDE', plain),
    await measurePlain('… with the word in a comment', commented),
  ];
}

/** A Dockerfile with nine fragments that include ten each, with inputs. */
async function measureIncludes(sample: string): Promise<Times> {
  const size = Math.floor(expandedBytes / includes);
  const stage = sample.replace(/^FROM.*\n/gm, '');
  const files = new Map([['Dockerfile', Buffer.from(calls(9, 'outer'))]]);
  for (let outer = 0; outer < 9; outer++) {
    files.set(`outer${outer}`, Buffer.from(repeat(stage, size - 400) + calls(10, `inner${outer}`)));
    for (let inner = 0; inner < 10; inner++) {
      const declared = '# ekiden: input LEVEL=0\nENV LEVEL=$[[ LEVEL ]]\n';
      files.set(`inner${outer}${inner}`, Buffer.from(declared + repeat(stage, size)));
    }
  }
  const options = optionsFor((path) => files.get(path));
  const { bytes, included } = await expandDockerfile(options);
  if (included.length !== includes || Math.abs(bytes.length / expandedBytes - 1) > 0.02) {
    throw new Error(`${included.length} includes came to ${bytes.length} bytes`);
  }
  return timeOf(options);
}

function calls(count: number, name: string): string {
  const inputs = name === 'outer' ? '' : ` LEVEL=${name}`;
  return Array.from({ length: count }, (_, index) => `INCLUDE ${name}${index}${inputs}\n`).join('');
}

async function measurePlain(what: string, bytes: Buffer): Promise<Row> {
  const { wall, processor } = await timeOf(optionsFor(() => bytes));
  const speed = (milliseconds: number) => (bytes.length / 1_000 / milliseconds).toFixed(0);
  const measured = `${speed(wall)} MB/s (${speed(processor)} by processor time)`;
  return { what, measured, aim: '≥ 80 MB/s' };
}

function inMilliseconds({ wall, processor }: Times): string {
  return `${wall.toFixed(0)} ms (${processor.toFixed(0)} ms of processor)`;
}

/** Milliseconds; on a busy machine the processor's tell more. */
interface Times {
  wall: number;
  processor: number;
}

/** Median of five, after one that is not counted. */
async function timeOf(options: ExpandOptions): Promise<Times> {
  const times: Times[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    const before = process.cpuUsage();
    await expandDockerfile(options);
    const { user, system } = process.cpuUsage(before);
    times.push({ wall: performance.now() - start, processor: (user + system) / 1_000 });
  }
  const counted = times.slice(1);
  return {
    wall: median(counted.map(({ wall }) => wall)),
    processor: median(counted.map(({ processor }) => processor)),
  };
}

function optionsFor(read: (path: string) => Buffer | undefined): ExpandOptions {
  const templates = { versions: async () => undefined, read: async () => Buffer.alloc(0) };
  return { file: 'Dockerfile', read: async (path) => read(path), templates };
}

/** Whole copies of the text, about as many bytes as asked for. */
function repeat(text: string, bytes: number): string {
  return text.repeat(Math.max(1, Math.round(bytes / text.length)));
}
