/** The build context: what becomes of GitLab's archive on its way to Docker. */
import { Readable } from 'node:stream';
import { extract, type Header, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { openContext } from '../../../src/build/context/context.ts';

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
});
