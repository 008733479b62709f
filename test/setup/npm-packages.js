/** Installs the npm packages of the lock file when node_modules does not hold them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, run } from './command.js';
import { SetupError } from './errors.js';
import { withLock } from './lock.js';
import { isInstalled } from './lock-file.js';
import { root } from './paths.js';

/** Runs `npm ci` unless everything is there; of two set-ups in one checkout, one installs and the other waits. */
export async function ensureNpmPackages({ progress, signal }) {
  if (arePackagesInstalled()) return;
  await progress.step('npm packages', async (report) => {
    const onWait = () => report('waiting for another set-up');
    await withLock(root, { signal, onWait }, async (lock) => {
      if (!arePackagesInstalled()) await install(lock, report, signal);
    });
  });
}

function arePackagesInstalled() {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  return isInstalled(readJson(join(root, 'package-lock.json')), readJson(record), {
    os: process.platform,
    cpu: process.arch,
    libc: process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl',
  });
}

async function install(lock, report, signal) {
  // NODE_ENV=production would leave out the compiler and the tests' packages.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const [file, ...before] = npm();
  try {
    await run(file, [...before, ...args], { cwd: root, signal, onLine: report, fds: [lock] });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const reason = error.tail.find((line) => /^npm err/i.test(line)) ?? error.message;
    throw new SetupError(
      `npm ci failed in ${root} (${reason}): mend that and run the command again`,
    );
  }
}

/** The npm that started this script, else the one in the PATH. */
function npm() {
  const script = process.env.npm_execpath;
  return script?.endsWith('npm-cli.js') ? [process.execPath, script] : ['npm'];
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
