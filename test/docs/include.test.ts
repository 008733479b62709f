/** What docs/include.md says of the errors, the limits and the example is what the code does. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTemplates, expandDockerfile } from '../../src/build/dockerfile/index.ts';
import { defaultLimits, MAX_LINE } from '../../src/build/dockerfile/limits.ts';
import { expand } from '../../src/offline.ts';
import { packageFolder, templatesFolder } from '../../src/paths.ts';
import { fencesOf } from './markdown.ts';

const page = readFileSync(join(packageFolder, 'docs/include.md'), 'utf8');

test('every code that INCLUDE can give stands in the table, and no other', () => {
  const folders = ['src/build/dockerfile', 'src/build/sources'];
  const source = folders.flatMap((folder) =>
    readdirSync(join(packageFolder, folder)).map((name) =>
      readFileSync(join(packageFolder, folder, name), 'utf8'),
    ),
  );
  const found = source.join('\n').match(/(?<=')[EWN]_[A-Z0-9_]+(?=')/g) ?? [];
  // What is wrong with the installation or with GitLab is told elsewhere.
  const given = new Set(
    found.filter((code) => !/^E_(GITLAB|TEMPLATES|TEMPLATE_NOTICES)/.test(code)),
  );
  const told = [...page.matchAll(/^\| `([EWN]_[A-Z0-9_]+)` \|/gm)].map(([, code]) => code);

  expect(told.sort()).toEqual([...given].sort());
});

test('the limits are those of the code', () => {
  const { depth, includes, fileSize, totalSize, fetchMs } = defaultLimits;
  const section = page.split('\n## ').find((part) => part.startsWith('Limits')) ?? '';

  expect([...section.matchAll(/\| (\d[^|]*) \|/g)].map(([, value]) => value)).toEqual([
    String(depth),
    String(includes),
    `${fileSize / 1024} KiB`,
    `${totalSize / 1024 / 1024} MiB`,
    `${fetchMs / 1000} s`,
    `${MAX_LINE.toLocaleString('en')} bytes`,
  ]);
});

test('the example expands as shown', async () => {
  const [dockerfile, fragment] = fencesOf(page, 'dockerfile');
  const [shown] = fencesOf(page, 'console');
  const root = mkdtempSync(join(tmpdir(), 'ekiden-docs-'));
  try {
    mkdirSync(join(root, 'docker'));
    writeFileSync(join(root, 'Dockerfile'), dockerfile?.text ?? '');
    writeFileSync(join(root, 'docker/app.dockerfile'), fragment?.text ?? '');
    const { bytes } = await expand({ file: join(root, 'Dockerfile'), root });

    expect(`$ ekiden expand Dockerfile\n${bytes}`).toBe(shown?.text);
  } finally {
    rmSync(root, { recursive: true });
  }
});

const fragment = fencesOf(page, 'dockerfile')[2]?.text ?? '';

/** The expansion of one line in a repository with the fragment of the page. */
function expandLine(line: string) {
  const files: Record<string, string> = { Dockerfile: `${line}\n`, 'docker/java': fragment };
  return expandDockerfile({
    file: 'Dockerfile',
    templates: createTemplates(join(templatesFolder, 'dockerfiles')),
    read: async (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
  });
}

test('the fragment with inputs becomes what is shown', async () => {
  const shown = fencesOf(page, 'text').find(({ text }) => text.includes('input VERSION'));
  const [, line = ''] = /With `(INCLUDE [^`]+)` it becomes/.exec(page) ?? [];

  expect((await expandLine(line)).bytes.toString()).toBe(shown?.text);
});

const examples = [
  ...page.matchAll(/^\| `([EWN]_\w+)` \|[^|]*\| `((?:INCLUDE|ONBUILD) [^|]*)` \|$/gm),
];

test('many errors have a line that leads to them', () => {
  expect(examples.length).toBeGreaterThan(15);
});

test.each(examples.map(([, code = '', line = '']) => [code, line] as const))(
  '%s is what %s leads to',
  async (code, line) => {
    const outcome = await expandLine(line).then(
      ({ warnings }) => warnings[0],
      (error) => error,
    );

    expect(outcome).toMatchObject({ code });
  },
);
