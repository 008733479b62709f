/** How much the build role grows while it builds a repository of 500 MB in 20,000 files. */
import { join } from 'node:path';
import { forgetPeak, peakOf, rssOf } from './measure.ts';
import { createRepository } from './repositories.ts';
import type { Bench, Row } from './stage.ts';
import { openWorkshop } from './workshop.ts';

const files = 20_000;
const bytesPerFile = 25_000;

export async function measureBuildMemory(bench: Bench): Promise<Row[]> {
  const workshop = await openWorkshop(bench);
  try {
    const { id, httpUrl } = await workshop.gitlab.createProject({ path: 'bench/large' });
    const repository = await createRepository({
      ...{ folder: join(bench.data, 'large'), remote: httpUrl, files, bytesPerFile, folders: 100 },
      dockerfile: `FROM ${bench.images.busybox}\nLABEL ekiden.install=${bench.install}\nCOPY . /app\n`,
    });
    const sha = await repository.commit();
    const { pid } = workshop.build;
    const before = await rssOf(pid);
    await forgetPeak(pid);
    const milliseconds = await workshop.byEkiden(id, sha);
    const growth = ((await peakOf(pid)) - before) / 1e6;
    const what = `building ${(files * bytesPerFile) / 1e6} MB in ${files} files`;
    return [
      {
        what: `${what}: growth of the build role`,
        measured: `${growth.toFixed(0)} MB, in ${(milliseconds / 1_000).toFixed(0)} s`,
        aim: '< 100 MB',
      },
    ];
  } finally {
    await workshop.stop();
  }
}
