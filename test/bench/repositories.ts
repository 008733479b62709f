/** Repositories to build: as large as they are asked for, three quarters of them text, pushed with git itself. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Repository {
  /** Commits `content` as a file in `d00`, or nothing at all, and pushes it; answers the commit. */
  commit(content?: string): Promise<string>;
  remove(): Promise<void>;
}

export interface RepositoryOptions {
  folder: string;
  /** Where it is pushed to. */
  remote: string;
  dockerfile: string;
  files: number;
  bytesPerFile: number;
  /** Over how many folders, `d00` and so on, the files are spread. */
  folders: number;
}

export async function createRepository(options: RepositoryOptions): Promise<Repository> {
  const { folder, remote } = options;
  await mkdir(folder, { recursive: true });
  const git = async (...args: string[]) => (await run('git', args, { cwd: folder })).stdout.trim();
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'user.name', 'Bench');
  await git('config', 'user.email', 'bench@example.com');
  await importFiles(options);
  await git('reset', '--hard', '--quiet');
  await git('push', '--quiet', remote, 'main');
  return {
    async commit(content) {
      if (content !== undefined) await writeFile(join(folder, 'd00', 'change.txt'), content);
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '--message', content ?? 'nothing');
      await git('push', '--quiet', remote, 'main');
      return await git('rev-parse', 'main');
    },
    remove: async () => await rm(folder, { recursive: true, force: true }),
  };
}

async function importFiles(options: RepositoryOptions): Promise<void> {
  const { folder, dockerfile, files, bytesPerFile, folders } = options;
  const child = spawn('git', ['fast-import', '--quiet'], {
    cwd: folder,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const write = async (chunk: string | Buffer) => {
    if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
  };
  await write('commit refs/heads/main\ncommitter Bench <bench@example.com> 1780000000 +0000\n');
  await write(`data 5\nfirst\nM 644 inline Dockerfile\ndata ${dockerfile.length}\n${dockerfile}\n`);
  for (let n = 0; n < files; n += 1) {
    const name = `d${String(n % folders).padStart(2, '0')}/${n}.txt`;
    await write(`M 644 inline ${name}\ndata ${bytesPerFile}\n`);
    await write(n % 4 === 0 ? randomBytes(bytesPerFile) : textOf(bytesPerFile));
    await write('\n');
  }
  child.stdin.end();
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}

const words = 'the relay carries a push from hand to hand until users see it run'.split(' ');

/** Shrinks as source code does, about to a quarter. */
function textOf(bytes: number): Buffer {
  const random = randomBytes(bytes / 4);
  let text = '';
  for (let at = 0; text.length < bytes; at += 1) {
    const byte = random[at % random.length] ?? 0;
    text +=
      byte < 40
        ? `${random.readUInt16LE(at % (random.length - 1))}\n`
        : `${words[byte % words.length]} `;
  }
  return Buffer.from(text.slice(0, bytes));
}
