/** Builds against the same work done by hand: `git clone --depth 1`, `docker build`, `docker push`. */
import { join } from 'node:path';
import { median } from './measure.ts';
import { createRepository, type Repository } from './repositories.ts';
import type { Bench, Row } from './stage.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const rounds = 5;

interface Size {
  files: number;
  bytesPerFile: number;
  /** The most that Ekiden may take, as a share of the time by hand. */
  aim: number;
}

const middle: Size = { files: 5_000, bytesPerFile: 10_600, aim: 0.8 };
const large: Size = { files: 20_000, bytesPerFile: 25_900, aim: 0.9 };

/** Cold, without a change, and with one folder of 37. */
export async function measureBuilds(bench: Bench): Promise<Row[]> {
  const workshop = await openWorkshop(bench);
  try {
    return [
      ...(await measureSize(bench, workshop, middle)),
      ...(await measureFolder(bench, workshop)),
    ];
  } finally {
    await workshop.stop();
  }
}

/** The same with a repository ten times as large; takes about ten minutes. */
export async function measureLargeBuilds(bench: Bench): Promise<Row[]> {
  const workshop = await openWorkshop(bench);
  try {
    return await measureSize(bench, workshop, large);
  } finally {
    await workshop.stop();
  }
}

async function measureSize(bench: Bench, workshop: Workshop, size: Size): Promise<Row[]> {
  const project = await projectOf(bench, workshop, { ...size, copy: 'COPY . /app' });
  const { repository, id, remote } = project;
  const name = `${Math.round((size.files * size.bytesPerFile) / 1e6)} MB, ${size.files} files`;
  const cold: Turn[] = [];
  const same: (Turn & { leg: number })[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await repository.commit(`by hand ${round}`);
    const hand = await workshop.byHand(remote);
    const again = await workshop.byHand(remote);
    cold.push({
      hand,
      ekiden: await workshop.byEkiden(id, await repository.commit(`by Ekiden ${round}`)),
    });
    const reused = await workshop.byEkiden(id, await repository.commit());
    const leg = await workshop.legOf(id, 'reuse');
    same.push({ hand: again, ekiden: reused, leg });
  }
  await repository.remove();
  return [
    rowOf(`cold build and push, ${name}`, cold, size.aim),
    rowOf(`no change, ${name}`, same, 0.05),
    {
      what: `no change, ${name}: the leg reuse alone`,
      measured: `${median(same.map(({ leg }) => leg)).toFixed(0)} ms`,
      aim: 'tens of ms',
    },
  ];
}

/** A service that needs one of 37 folders; the other Dockerfile says the same so that nobody can know it. */
async function measureFolder(bench: Bench, workshop: Workshop): Promise<Row[]> {
  const size = { ...middle, folders: 37 };
  const all = await projectOf(bench, workshop, { ...size, copy: 'ENV D=d00\nCOPY $D /app' });
  const one = await projectOf(bench, workshop, { ...size, copy: 'COPY d00 /app' });
  const turns: Turn[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const timeOf = async ({ repository, id }: Project) => {
      await workshop.byEkiden(id, await repository.commit(`round ${round}`));
      return await workshop.legOf(id, 'build');
    };
    turns.push({ hand: await timeOf(all), ekiden: await timeOf(one) });
  }
  await all.repository.remove();
  await one.repository.remove();
  return [rowOf('one of 37 folders, against sending all (leg build)', turns, 0.2)];
}

interface Turn {
  hand: number;
  ekiden: number;
}

/** Ratios are taken within a turn, since the machine may be slower in the next. */
function rowOf(what: string, turns: Turn[], aim: number): Row {
  const seconds = (pick: (turn: Turn) => number) => (median(turns.map(pick)) / 1_000).toFixed(2);
  const ratio = median(turns.map(({ hand, ekiden }) => ekiden / hand)).toFixed(3);
  return {
    what,
    measured: `${ratio} × (${seconds(({ ekiden }) => ekiden)} s / ${seconds(({ hand }) => hand)} s)`,
    aim: `≤ ${aim} ×`,
  };
}

interface Project {
  repository: Repository;
  id: number;
  remote: string;
}

interface ProjectOptions {
  files: number;
  bytesPerFile: number;
  folders?: number;
  /** How the context gets into the image. */
  copy: string;
}

let count = 0;

async function projectOf(
  bench: Bench,
  { gitlab }: Workshop,
  { copy, folders = 50, ...size }: ProjectOptions,
): Promise<Project> {
  const name = `app-${++count}`;
  const { id, httpUrl } = await gitlab.createProject({ path: `bench/${name}` });
  const base = `FROM ${bench.images.busybox}\nLABEL ekiden.install=${bench.install}`;
  const repository = await createRepository({
    ...{ folder: join(bench.data, name), remote: httpUrl, folders, ...size },
    dockerfile: `${base}\n${copy}\nRUN true\nCMD ["true"]\n`,
  });
  return { repository, id, remote: httpUrl };
}
