/** Templates of the installation: from a folder, from a project of GitLab, and versions that are not to be used. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  createTemplates,
  joinTemplates,
  parseNotices,
} from '../../../src/build/dockerfile/index.ts';
import { fragmentsOf } from '../../../src/build/expansion.ts';
import { createFileCache, createGitLabTemplates } from '../../../src/build/sources/index.ts';
import { rackAttack } from '../../stand-ins/gitlab/gitlab.ts';
import { failureOf, type Host, startHost } from './rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'ekiden-templates-'));
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

let host: Host;
let includer: Awaited<ReturnType<Host['project']>>;
let commitTemplate: (version: string, text: string, notices?: string) => Promise<void>;
let shared: Awaited<ReturnType<Host['project']>>;

beforeAll(async () => {
  host = await startHost();
  includer = await host.project({ Dockerfile: 'FROM scratch\n' });
  shared = await host.project({ 'README.md': 'x' }, { path: 'platform/templates' });
  commitTemplate = async (version, text, notices) => {
    await shared.commit({
      't.dockerfile': text,
      ...(notices === undefined ? {} : { 't.versions.yml': notices }),
    });
    await host.gitlab.createTag(shared.id, `t/${version}`, 'main');
  };
  for (const version of ['1.0.0', '1.9.0', '1.10.0', '2.0.0-rc1', '3.0.0', '4.0.0']) {
    write(`t/${version}.dockerfile`, `RUN folder ${version}\n`);
  }
  write(
    't/versions.yml',
    'deprecated: {1.9.0: use 1.10}\nwithdrawn: {3.0.0: use t@1, 4.0.0: no}\n',
  );
  write('broken/1.0.0.dockerfile', 'RUN x\n');
  write('broken/versions.yml', 'withdrawn: [1.0.0]\n');
});
afterEach(() => host.gitlab.faults.clear());
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await host.stop();
});

const delivered = createTemplates(folder);

async function include(source: string, asked: Parameters<Host['expand']>[1] = {}) {
  const sha = await includer.commit({ Dockerfile: `INCLUDE ${source}\n` });
  return host.expand({ ...includer, sha }, { templates: delivered, ...asked });
}

describe('of a folder', () => {
  it.each([
    ['template:t@1', 'RUN folder 1.10.0\n', []],
    ['template:t@1.9', 'RUN folder 1.9.0\n', ['W_DEPRECATED_TEMPLATE']],
    ['template:t@2.0.0-rc1', 'RUN folder 2.0.0-rc1\n', []],
    ['template:t', 'RUN folder 1.10.0\n', ['W_UNPINNED']],
  ])('%s takes the newest that is meant and not withdrawn', async (source, text, warnings) => {
    const expansion = await include(source);
    expect(expansion.bytes.toString()).toBe(text);
    expect(expansion.warnings.map(({ code }) => code)).toEqual(warnings);
  });

  it('says why a version is deprecated or withdrawn, and what replaces it', async () => {
    const { warnings } = await include('template:t@1.9.0');
    expect(warnings[0]?.message).toBe('template:t@1.9.0 is deprecated: use 1.10');
    for (const source of ['template:t@3.0.0', 'template:t@3']) {
      expect(await failureOf(include(source))).toMatchObject({
        code: 'E_TEMPLATE_WITHDRAWN',
        message: expect.stringContaining('template:t@3.0.0 is withdrawn: use t@1'),
      });
    }
  });

  it('lists the versions that there are, without those withdrawn', async () => {
    expect(await failureOf(include('template:t@2'))).toMatchObject({
      code: 'E_TEMPLATE_VERSION',
      hint: expect.stringContaining('It has 1.10.0, 1.9.0, 1.0.0, 2.0.0-rc1;'),
    });
  });

  it('fails where what is said of versions cannot be read', async () => {
    await expect(include('template:broken@1')).rejects.toMatchObject({
      code: 'E_TEMPLATE_NOTICES',
      mendedBy: 'administrator',
      message: expect.stringContaining('broken/versions.yml'),
    });
  });
});

describe('of a folder that Kubernetes mounts', () => {
  it('finds templates and versions that are links', async () => {
    const mounted = mkdtempSync(join(tmpdir(), 'ekiden-mounted-'));
    onTestFinished(() => rmSync(mounted, { recursive: true }));
    mkdirSync(join(mounted, '..2026_01_01/l'), { recursive: true });
    writeFileSync(join(mounted, '..2026_01_01/l/1.0.0.dockerfile'), 'RUN linked\n');
    symlinkSync('..2026_01_01', join(mounted, '..data'));
    symlinkSync('..data/l', join(mounted, 'l'));
    symlinkSync('1.0.0.dockerfile', join(mounted, 'l/1.1.0.dockerfile'));
    symlinkSync('none', join(mounted, 'l/1.2.0.dockerfile'));
    const templates = createTemplates(mounted);
    expect((await include('template:l@1', { templates })).bytes.toString()).toBe('RUN linked\n');
    expect((await templates.versions('l'))?.sort()).toEqual(['1.0.0', '1.1.0']);
    expect(await templates.names?.()).toEqual(['l']);
  });
});

describe('exactly as an earlier build', () => {
  it('takes the recorded version of a range, and knows one that was edited in place', async () => {
    const pins = fragmentsOf(await include('template:t@1'));
    expect(pins).toMatchObject([{ template: { name: 't', version: '1.10.0' } }]);
    write('t/1.11.0.dockerfile', 'RUN folder 1.11.0\n');
    expect((await include('template:t@1')).bytes.toString()).toBe('RUN folder 1.11.0\n');
    expect((await include('template:t@1', { pins })).bytes.toString()).toBe('RUN folder 1.10.0\n');
    write('t/1.10.0.dockerfile', 'RUN edited\n');
    expect(await failureOf(include('template:t@1', { pins }))).toMatchObject({
      code: 'E_PIN',
      message: expect.stringContaining('template:t@1.10.0 is no longer what'),
    });
    rmSync(join(folder, 't/1.10.0.dockerfile'));
    expect(await failureOf(include('template:t@1', { pins }))).toMatchObject({
      code: 'E_PIN',
      message: expect.stringContaining('template:t@1.10.0, which the earlier build took, is gone'),
    });
  });
});

describe('of a project of GitLab', () => {
  const open = (project = 'platform/templates') =>
    createGitLabTemplates({ gitlab: host.client, cache: createFileCache(), project });

  it('has its tags as versions, and goes before the folder', async () => {
    await commitTemplate('1.0.0', 'RUN project 1.0.0\n');
    await commitTemplate('5.0.0', 'RUN project 5.0.0\n', 'deprecated: {5.0.0: soon gone}\n');
    const templates = joinTemplates([open(), delivered]);
    const textOf = async (source: string) => {
      const { bytes, included } = await include(source, { templates });
      return `${included[0]?.file} ${bytes}`;
    };
    expect(await textOf('template:t@1.0.0')).toBe('template:t@1.0.0 RUN project 1.0.0\n');
    expect(await textOf('template:t@5')).toBe('template:t@5.0.0 RUN project 5.0.0\n');
    expect(await textOf('template:t@1.9.0')).toBe('template:t@1.9.0 RUN folder 1.9.0\n');
    const { warnings } = await include('template:t@5', { templates });
    expect(warnings.map(({ message }) => message)).toEqual([
      'template:t@5.0.0 is deprecated: soon gone',
    ]);
    expect((await open().names?.())?.sort()).toEqual(['t']);
    expect(await failureOf(include('template:u@1', { templates }))).toMatchObject({
      code: 'E_TEMPLATE_UNKNOWN',
      hint: 'There are t, broken.',
    });
  });

  it('tells on its default branch how each is used, where the folder does not', async () => {
    write('told/README.md', '# told\n');
    await shared.commit({ 't.md': '# t\n' });
    const { readme } = joinTemplates([open(), delivered]);
    const texts = await Promise.all(['t', 'told', 'broken'].map((name) => readme?.(name)));
    expect(texts).toEqual(['# t\n', '# told\n', undefined]);
  });

  it('has to hold the file at the tag', async () => {
    await host.gitlab.createTag(shared.id, 'empty/1.0.0', 'main');
    expect(await failureOf(include('template:empty@1', { templates: open() }))).toMatchObject({
      code: 'E_TEMPLATE_VERSION',
      hint: expect.stringContaining('platform/templates has to hold empty.dockerfile'),
    });
  });

  it('that cannot be seen is the matter of an administrator', async () => {
    const templates = open('platform/none');
    await expect(include('template:t@1', { templates })).rejects.toMatchObject({
      code: 'E_TEMPLATES_PROJECT',
      mendedBy: 'administrator',
    });
  });

  it('is waited for while GitLab does not answer well', async () => {
    host.gitlab.faults.add({ route: /\/repository\/tags/, ...rackAttack() });
    const error = await failureOf(include('template:t@5', { templates: open() }));
    expect(error).toMatchObject({ code: 'E_FETCH', retryable: true, retryAfter: 60 });
  });
});

it.each([
  ['', {}, {}],
  ['deprecated: {9.0: old, 9.10: older}\n', { '9.0': 'old', '9.10': 'older' }, {}],
  ['withdrawn:\n  "8.0.0": use t@9\n', {}, { '8.0.0': 'use t@9' }],
  ['# nothing yet\ndeprecated: {}\n', {}, {}],
])('reads %j', (text, deprecated, withdrawn) => {
  expect(parseNotices(Buffer.from(text), 'f')).toEqual({ deprecated, withdrawn });
});

it.each(['a: {}', 'deprecated: text', 'withdrawn: {1: [a]}', '- a', ': {', 'text'])(
  'refuses %j',
  (text) => {
    expect(() => parseNotices(Buffer.from(text), 'f')).toThrow(/^the template's f cannot be used/);
  },
);
