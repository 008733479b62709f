/** Compiles the TypeScript sources to dist when they differ from what dist was made of. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CommandError, run } from './command.js';
import { SetupError } from './errors.js';
import { withLock } from './lock.js';
import { root } from './paths.js';

const sources = ['src', 'hooks', 'runners', 'test'];
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp');

/** tsc's exit code when it found type errors and wrote the output all the same. */
const writtenWithErrors = 2;

/**
 * Brings dist up to date. Type errors do not stop it, so that a test can run in the middle of an edit elsewhere;
 * `npm run typecheck` is what judges them.
 */
export async function ensureCompiled({ progress, signal }) {
  if (readStamp() === stampOfSources()) return;
  await progress.step('compile', async (report) => {
    const onWait = () => report('waiting for another set-up');
    await withLock(root, { signal, onWait }, async (lock) => {
      const stamp = stampOfSources();
      if (readStamp() === stamp) return;
      await compile(lock, progress, signal);
      writeFileSync(stampFile, stamp);
    });
  });
}

async function compile(lock, progress, signal) {
  const written = new Set();
  const onLine = (line) => {
    if (line.startsWith('TSFILE: ')) written.add(line.slice('TSFILE: '.length));
  };
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.json'), '--listEmittedFiles'];
  try {
    await run(process.execPath, args, { cwd: root, signal, onLine, fds: [lock] });
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== writtenWithErrors) throw failed(error);
    progress.say('! the sources have type errors: npm run typecheck shows them');
  }
  for (const file of filesIn(dist)) if (!written.has(file)) rmSync(file);
}

function failed(error) {
  if (!(error instanceof CommandError)) return error;
  const reason = error.tail.slice(-3).join(' / ');
  return new SetupError(`the sources cannot be compiled (${reason}): npm run typecheck says more`);
}

function readStamp() {
  return existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '';
}

/** A hash over everything that decides what tsc writes. */
function stampOfSources() {
  const hash = createHash('sha256');
  const settings = ['tsconfig.json', 'package.json', 'package-lock.json'].map((name) =>
    join(root, name),
  );
  const files = sources.flatMap((folder) => filesIn(join(root, folder)));
  for (const file of [...settings, ...files.filter((name) => name.endsWith('.ts')).sort()]) {
    hash.update(`${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function filesIn(folder) {
  if (!existsSync(folder)) return [];
  return (
    readdirSync(folder, { recursive: true, withFileTypes: true })
      // The bench's packages are no sources of ours.
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
      .map((entry) => join(entry.parentPath, entry.name))
  );
}
