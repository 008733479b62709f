/** The build context: what becomes of GitLab's archive on its way to Docker. */
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Extract, extract, type Header, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import {
  type Context,
  type ContextOptions,
  openContext,
} from '../../../src/build/context/context.ts';
import type { Findings } from '../../../src/build/context/findings.ts';
import { compileIgnore } from '../../../src/build/context/ignore.ts';

type Entries = [Partial<Header> & { name: string }, string?][];

const top = 'app-main-0123/';
const repository: Entries = [
  [{ name: top, type: 'directory' }],
  [{ name: `${top}Dockerfile`, mode: 0o664 }, 'INCLUDE x'],
  [{ name: `${top}a.txt`, mode: 0o775 }, 'a'],
  [{ name: `${top}link`, type: 'symlink', linkname: 'a.txt' }],
  [{ name: `${top}hard`, type: 'link', linkname: `${top}a.txt` }],
  [{ name: `${top}pipe`, type: 'fifo' }],
  [{ name: `${top}web/`, type: 'directory' }],
  [{ name: `${top}web/Dockerfile` }, 'FROM web'],
  [{ name: `${top}web/${'long/'.repeat(30)}file` }, 'deep'],
  [{ name: `${top}website` }, 'not web'],
];

async function tarOf(entries: Entries): Promise<Buffer> {
  const packing = pack();
  for (const [header, text] of entries) {
    if (text === undefined) packing.entry(header);
    else packing.entry(header, text);
  }
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function contentsOf(stream: Readable): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const reading = extract();
  stream.on('error', (error) => reading.destroy(error));
  stream.pipe(reading as unknown as NodeJS.WritableStream);
  for await (const entry of reading) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, linkname } = entry.header;
    if (name === './') continue;
    found[name] =
      type === 'file' ? Buffer.concat(chunks).toString() : `${type} ${linkname ?? ''}`.trim();
  }
  return found;
}

function open(archive: Readable, folder = '', path = 'Dockerfile') {
  const { signal } = new AbortController();
  const dockerfile = { path, bytes: Buffer.from('FROM expanded') };
  return openContext({ archive, folder, dockerfile, signal });
}

describe('openContext', () => {
  it('strips the top folder, swaps the Dockerfile and leaves devices out', async () => {
    const { stream, dockerfile } = open(Readable.from([await tarOf(repository)]));
    expect(dockerfile).toBe('Dockerfile');
    expect(await contentsOf(stream)).toEqual({
      Dockerfile: 'FROM expanded',
      'a.txt': 'a',
      link: 'symlink a.txt',
      hard: 'link a.txt',
      'web/': 'directory',
      'web/Dockerfile': 'FROM web',
      [`web/${'long/'.repeat(30)}file`]: 'deep',
      website: 'not web',
    });
  });

  it('begins with a root in one block, by which BuildKit knows a tar, and is the same each time', async () => {
    const mtime = new Date('2026-01-02T03:04:05Z');
    const archive = await tarOf([
      [{ name: top, type: 'directory', mtime }],
      [{ name: `${top}wéb`, mtime }, 'in a header of three blocks'],
      [{ name: `${top}Dockerfile`, mtime }, 'FROM x'],
    ]);
    const tar = await buffer(open(Readable.from([archive])).stream);
    expect(tar.toString('latin1', 0, 3)).toBe('./\0');
    const headers: Header[] = [];
    for await (const entry of Readable.from([tar]).pipe(extract() as never) as Extract) {
      headers.push(entry.header);
      entry.resume();
    }
    expect(headers.map(({ name, mtime }) => [name, mtime])).toEqual([
      ...[
        ['./', mtime],
        ['wéb', mtime],
        ['Dockerfile', mtime],
      ],
    ]);
  });

  it('makes a folder the root', async () => {
    const archive = Readable.from([await tarOf(repository)]);
    const { stream, dockerfile } = open(archive, 'web', 'web/Dockerfile');
    expect(dockerfile).toBe('Dockerfile');
    expect(await contentsOf(stream)).toEqual({
      Dockerfile: 'FROM expanded',
      [`${'long/'.repeat(30)}file`]: 'deep',
    });
  });

  it('adds a Dockerfile that lies outside the context under a name of its own', async () => {
    const archive = Readable.from([await tarOf(repository)]);
    const { stream, dockerfile } = open(archive, 'web', 'Dockerfile');
    expect(dockerfile).toBe('.ekiden.dockerfile');
    expect(await contentsOf(stream)).toMatchObject({
      Dockerfile: 'FROM web',
      '.ekiden.dockerfile': 'FROM expanded',
    });
  });

  it('keeps large files whole', async () => {
    const large = 'x'.repeat(3_000_000);
    const archive = Readable.from([await tarOf([[{ name: `${top}large` }, large]])]);
    expect((await contentsOf(open(archive).stream))['large']).toBe(large);
  });

  it.each([
    ['in a file', 700],
    ['at its very start', 10],
  ])('fails when the archive breaks off %s', async (_, length) => {
    const archive = Readable.from([(await tarOf(repository)).subarray(0, length)]);
    await expect(contentsOf(open(archive).stream)).rejects.toThrow(/archive from GitLab broke off/);
  });

  it('fails when the connection is reset', async () => {
    const whole = await tarOf([[{ name: `${top}large` }, 'x'.repeat(1_000_000)]]);
    const archive = Readable.from(
      (async function* () {
        yield whole.subarray(0, 400_000);
        throw new Error('terminated');
      })(),
    );
    await expect(contentsOf(open(archive).stream)).rejects.toThrow(/terminated/);
  });

  it('fails when the archive ends between two entries, or is none', async () => {
    const whole = await tarOf([[{ name: `${top}a` }, 'x'.repeat(512)]]);
    const cut = Readable.from([whole.subarray(0, 1024)]);
    await expect(contentsOf(open(cut).stream)).rejects.toThrow(/it ends too early/);
    const page = Readable.from([Buffer.from('<html>'.repeat(1000))]);
    await expect(contentsOf(open(page).stream)).rejects.toMatchObject({
      ...{ code: 'E_ARCHIVE', retryable: true },
    });
    const zeros = Readable.from([Buffer.alloc(10_240)]);
    await expect(contentsOf(open(zeros).stream)).rejects.toThrow(/it holds nothing/);
  });

  it.each([
    ['a Docker that hangs up', ({ stream }: Context) => stream.destroy()],
    ['a cancelled build', (_: Context, cancel: AbortController) => cancel.abort()],
  ])('leaves nothing open after %s', async (_, end) => {
    const cancel = new AbortController();
    // It never ends by itself.
    const archive = new PassThrough();
    archive.write((await tarOf(repository)).subarray(0, 3000));
    const dockerfile = { path: 'Dockerfile', bytes: Buffer.from('FROM x') };
    const context = openContext({ archive, folder: '', dockerfile, signal: cancel.signal });
    context.stream.on('error', () => undefined);
    context.stream.resume();
    end(context, cancel);
    await expect.poll(() => archive.destroyed && context.stream.destroyed).toBe(true);
  });
});

describe('what is sent', () => {
  const files: Entries = [
    [{ name: top, type: 'directory' }],
    [{ name: `${top}.dockerignore` }, 'docs'],
    [{ name: `${top}Dockerfile` }, 'FROM x'],
    [{ name: `${top}docs/`, type: 'directory', mode: 0o775 }],
    [{ name: `${top}docs/a/`, type: 'directory', mode: 0o775 }],
    [{ name: `${top}docs/a/keep`, mode: 0o775 }, 'k'],
    [{ name: `${top}docs/b` }, 'b'],
    [{ name: `${top}docs/hard`, type: 'link', linkname: `${top}docs/b` }],
    [{ name: `${top}sub/`, type: 'directory' }],
    [{ name: `${top}web/`, type: 'directory' }],
    [{ name: `${top}web/out`, type: 'symlink', linkname: '../../etc' }],
  ];

  async function sent(change: Partial<ContextOptions>) {
    const archive = Readable.from([await tarOf(files)]);
    const dockerfile = { path: 'Dockerfile', bytes: Buffer.from('FROM x') };
    const { signal } = new AbortController();
    const options = { archive, folder: '', dockerfile, signal, ...change };
    return Object.keys(await contentsOf(openContext(options).stream));
  }

  it('is what the rules leave, with the folders around it, and the two that Docker needs', async () => {
    const bytes = Buffer.from('docs\n!docs/a/keep\nDockerfile\n.dockerignore\nweb\n');
    const ignores = compileIgnore({ file: '.dockerignore', bytes });
    expect(await sent({ ignores })).toEqual([
      ...['.dockerignore', 'Dockerfile', 'docs/', 'docs/a/', 'docs/a/keep', 'sub/'],
    ]);
  });

  it('is what the Dockerfile can see', async () => {
    const paths = ['docs/a', 'web/out'];
    expect(
      await sent({ visible: { all: false, paths, wildcards: [], bases: [], args: [] } }),
    ).toEqual([
      ...['.dockerignore', 'Dockerfile', 'docs/', 'docs/a/', 'docs/a/keep', 'web/', 'web/out'],
    ]);
  });

  it('is told before the end', async () => {
    let found: Findings | undefined;
    await sent({
      wanted: ['docs/b', 'docs', 'none', 'web/out/passwd'],
      onEnd: async (findings) => {
        found = findings;
      },
    });
    expect(['docs/b', 'docs', 'none', 'web/out/passwd'].map((path) => found?.has(path))).toEqual([
      ...[true, true, false, false],
    ]);
    expect(found?.emptyFolders).toEqual(['sub']);
    expect(found?.links).toEqual([{ path: 'web/out', target: '../../etc' }]);
  });
});

describe('attributes of git, at whatever depth and sent or not', () => {
  it.each([
    ['*.txt text', false],
    ['VERSION export-subst', true],
    [`# too long to be read${' '.repeat(70_000)}`, true],
  ])('tell whether files hold the commit: %.30s', async (text, hasCommit) => {
    for (const isIgnored of [false, true]) {
      let found: Findings | undefined;
      const context = openContext({
        archive: Readable.from(
          await tarOf([
            [{ name: top, type: 'directory' }],
            [{ name: `${top}web/deep/.gitattributes` }, text],
          ]),
        ),
        ...{ folder: 'web', dockerfile: { path: 'Dockerfile', bytes: Buffer.from('FROM x') } },
        ...{ signal: new AbortController().signal, ignores: () => isIgnored },
        onEnd: async (findings) => {
          found = findings;
        },
      });
      const contents = await contentsOf(context.stream);
      expect('deep/.gitattributes' in contents).toBe(!isIgnored);
      expect(found?.hasCommit()).toBe(hasCommit);
    }
  });
});
