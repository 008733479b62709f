/** `npm run bench [-- PART…]`: sets up the machine and what the bench compares with, and measures. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from './errors.js';
import { root } from './paths.js';
import { runSession } from './session.js';

const folder = join(root, 'test/bench');

process.exit(await runBench());

async function runBench() {
  try {
    installPeers();
    return await runSession({ kind: 'bench', program });
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return error.exitCode ?? 3;
  }
}

/** Into a node_modules of its own, so that nobody else has to install them. */
function installPeers() {
  if (existsSync(join(folder, 'node_modules/probot/package.json'))) return;
  process.stderr.write('  peers of the bench …\n');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' });
}

function program({ install, data, images }) {
  return {
    args: [join(root, 'dist/test/bench/main.js'), ...process.argv.slice(2)],
    cwd: root,
    env: {
      EKIDEN_BENCH_INSTALL: install,
      EKIDEN_BENCH_DATA: join(data, 'bench'),
      EKIDEN_BENCH_BUSYBOX: images.busybox,
      EKIDEN_BENCH_NODE: images.node,
    },
  };
}
