/** The platform's fragments: what their READMEs show is built, started and asked. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildKit,
  classic,
  examplesOf,
  expand,
  folder,
  openWorkshop,
  type Workshop,
} from './workshop.ts';

const names = readdirSync(folder);

describe('each fragment', () => {
  test.each(names)('%s shows Dockerfiles that expand without a warning', async (name) => {
    const examples = examplesOf(name);
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      const { warnings } = await expand(example);
      expect(warnings.filter(({ severity }) => severity === 'warning')).toEqual([]);
    }
  });

  test.each(names)('%s tells of each of its versions', (name) => {
    const readme = readFileSync(join(folder, name, 'README.md'), 'utf8');
    const told = [...readme.matchAll(/^\| (\d[\w.-]*) \|/gm)].map(([, version]) => version);
    const versions = readdirSync(join(folder, name)).flatMap(
      (file) => /^(.+)\.dockerfile$/.exec(file)?.[1] ?? [],
    );
    expect(told.sort()).toEqual(versions.sort());
  });

  test.each([
    ['logs/1.0.0', '2f3502968351589f'],
    ['node/20.0.0', '2bed945b472cd7a3'],
  ])('%s is as it was released, since builds are pinned to it', (name, hash) => {
    const bytes = readFileSync(join(folder, `${name}.dockerfile`));
    expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16)).toBe(hash);
  });
});

/** A machine that does much else takes long to start a Java. */
const timeout = 90_000;

/** Both builders of Docker make them, so the one or the other is taken in turn. */
describe('the first Dockerfile of the README', { timeout }, () => {
  let workshop: Workshop;
  beforeAll(async () => {
    // A machine without its base images makes them first, of hundreds of megabytes.
    workshop = await openWorkshop();
  }, 400_000);
  afterAll(() => workshop?.stop());

  /** Starts what was built; answers what it answers, and ends it. */
  async function visit(image: string, headers: Record<string, string> = {}) {
    const { container, url } = await workshop.start(image);
    const ask = async () => (await fetch(url, { headers })).text();
    await expect.poll(() => ask().catch(() => undefined), { timeout: timeout / 2 }).toBeDefined();
    const answer = await ask();
    await container.stop({ t: 20 });
    const { State } = await container.inspect();
    return { answer, exitCode: State.ExitCode, said: await workshop.logsOf(container) };
  }

  test('of node is built, started, and ends when it is asked to', async () => {
    const [example = ''] = examplesOf('node');
    const image = await workshop.build(example, 'node', classic);
    expect((await workshop.inspect(image)).Config.User).toBe('1000:1000');
    expect(await visit(image)).toMatchObject({ answer: 'hello from user 1000', exitCode: 0 });
    await workshop.build(example, 'node', buildKit);
  });

  test('of tomcat is built and started, and believes what nginx says of the client', async () => {
    const [example = ''] = examplesOf('tomcat');
    const image = await workshop.build(example, 'tomcat', classic);
    const { answer, exitCode, said } = await visit(image, {
      'X-Forwarded-For': '192.0.2.1',
      'X-Forwarded-Proto': 'https',
    });
    expect(answer).toBe('hello from app, https from 192.0.2.1\n');
    // Java tells by its exit code that a signal ended it, also after an orderly end.
    expect([exitCode, said]).toEqual([143, expect.stringContaining('Stopping service')]);
  });

  test('of java is built and started', async () => {
    const image = await workshop.build(examplesOf('java')[0] ?? '', 'java', classic);
    expect(await visit(image)).toMatchObject({ answer: 'hello from app in /app' });
  });

  test('of python is built and started', async () => {
    const image = await workshop.build(examplesOf('python')[0] ?? '', 'python', buildKit);
    expect(await visit(image)).toMatchObject({ answer: 'hello from user 1000', exitCode: 0 });
  });

  test('of nginx is built and started, also behind a stage of node', async () => {
    const [example = '', twoStages = ''] = examplesOf('nginx');
    const image = await workshop.build(example, 'nginx', classic);
    expect(await visit(image)).toMatchObject({ answer: 'hello from a file\n', exitCode: 0 });
    const page = await workshop.build(twoStages, 'node', buildKit);
    expect(await visit(page)).toMatchObject({ answer: 'made in development' });
  });
});
