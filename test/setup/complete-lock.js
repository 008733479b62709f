/** Adds to package-lock.json the optional packages of other platforms that npm left out: run `node test/setup/complete-lock.js` after `npm install`. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingEntries } from './lock-file.js';
import { root } from './paths.js';

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'sunos',
  'win32',
];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];
const libcs = { musl: 'musl', gnu: 'glibc', gnueabihf: 'glibc' };

const file = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const missing = missingEntries(lock);
for (const [name, range, dev] of missing) {
  lock.packages[`node_modules/${name}`] = {
    ...describe(name, range),
    ...(dev && { dev }),
    optional: true,
  };
  process.stdout.write(`added ${name}@${range}\n`);
}
if (missing.length > 0) writeFileSync(file, `${JSON.stringify(sorted(lock), null, 2)}\n`);

/** What the registry says of the package; a registry that lacks it leaves only what the package's name tells. */
function describe(name, range) {
  const fields = ['version', 'dist.integrity', 'cpu', 'libc', 'license', 'os', 'engines'];
  try {
    const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    const answer = JSON.parse(
      execFileSync('npm', ['view', `${name}@${range}`, ...fields, '--json'], options),
    );
    const {
      'dist.integrity': integrity,
      version,
      ...rest
    } = Array.isArray(answer) ? answer.at(-1) : answer;
    return { version, integrity, ...rest };
  } catch {
    return fromName(name, range);
  }
}

function fromName(name, range) {
  if (!/^\d+\.\d+\.\d+/.test(range)) {
    throw new Error(
      `${name}@${range} is not in the registry; ask one that has it (npm --registry)`,
    );
  }
  const words = name.split(/[/-]/);
  const libc = words.map((word) => libcs[word]).find(Boolean);
  return {
    version: range,
    cpu: words.filter((word) => processors.includes(word)),
    ...(libc && { libc: [libc] }),
    os: words.filter((word) => systems.includes(word)),
  };
}

/** npm keeps the entries in this order, so that its own rewrites leave no difference. */
function sorted(content) {
  const entries = Object.entries(content.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...content, packages: Object.fromEntries(entries) };
}
