/** Finds out which programs the machine lacks and installs the Debian packages that bring them. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, run, searchPath } from './command.js';
import { SetupError } from './errors.js';

/** What must be there, asked by the file itself, so that a program from another source counts. */
const needs = [
  { package: 'docker.io', has: (machine) => machine.dockerAnswers || machine.program('dockerd') },
  { package: 'docker-registry', has: (machine) => machine.program('docker-registry') },
  { package: 'redis-server', has: (machine) => machine.program('redis-server') },
  { package: 'nginx-light', has: (machine) => machine.program('nginx') },
  {
    package: 'libnginx-mod-http-lua',
    has: (machine) => machine.file('/usr/lib/nginx/modules', 'ngx_http_lua_module.so'),
  },
  {
    package: 'lua-resty-core',
    has: (machine) => machine.file('/usr/share/lua/5.1', 'resty/core.lua'),
  },
  { package: 'lua-cjson', has: (machine) => machine.library('lua/5.1/cjson.so') },
  {
    package: 'docker-compose',
    only: ({ kind, isRoot }) => kind === 'test' && isRoot,
    has: (machine) => machine.program('docker-compose'),
  },
  {
    package: 'chromium',
    only: ({ kind }) => kind !== 'demo',
    has: (machine) => machine.program('chromium'),
  },
  // What the platform's fragments install, for the base images from which the tests build them.
  {
    package: 'default-jre-headless',
    only: ({ kind }) => kind === 'test',
    has: (machine) => machine.program('java'),
  },
  {
    package: 'tomcat10-user',
    only: ({ kind }) => kind === 'test',
    has: (machine) => machine.file('/usr/share/tomcat10/skel/conf', 'web.xml'),
  },
  {
    package: 'python3-venv',
    only: ({ kind }) => kind === 'test',
    has: (machine) => machine.library('ensurepip/__init__.py'),
  },
  { package: 'git', has: (machine) => machine.program('git') },
  { package: 'busybox-static', has: (machine) => machine.program('busybox') },
  {
    package: 'ca-certificates',
    has: (machine) => machine.file('/etc/ssl/certs', 'ca-certificates.crt'),
  },
];

/** The packages whose programs `machine` lacks for this kind of run, `demo`, `bench` or `test`, as root or not. */
export function missingPackages(machine, run = { kind: 'demo', isRoot: false }) {
  return needs
    .filter(({ only }) => only === undefined || only(run))
    .filter((need) => !need.has(machine))
    .map((need) => need.package);
}

/** The real machine, as the list of needs asks it. */
export function thisMachine(dockerAnswers) {
  return {
    dockerAnswers,
    program: (name) => searchPath.split(':').some((folder) => existsSync(join(folder, name))),
    file: (folder, name) => existsSync(join(folder, name)),
    library: (name) =>
      readdirSync('/usr/lib').some((folder) => existsSync(join('/usr/lib', folder, name))),
  };
}

/** Installs what is missing, or says how a plain user gets it. `isRoot` and `machine` say who and where we are. */
export async function ensureDebianPackages({ progress, signal, kind, isRoot, machine }) {
  const missing = missingPackages(machine, { kind, isRoot });
  if (missing.length === 0) return;
  if (!machine.program('apt-get')) {
    throw new SetupError(
      `${missing.join(', ')} (by Debian's names) missing: install them with the package manager of this system`,
    );
  }
  if (!isRoot) {
    throw new SetupError(
      `${missing.join(', ')} missing: sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    );
  }
  const label = `Debian packages ${missing.join(' ')}`;
  await progress.step(label, (report) => install(missing, report, signal));
}

async function install(packages, report, signal) {
  const apt = (...args) =>
    // apt alone ends cleanly at SIGINT, between two packages; a dpkg that gets it too stops half-way.
    run('apt-get', ['-y', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...args], {
      env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
      stop: (child) => child.kill('SIGINT'),
      signal,
      onLine: report,
    });
  try {
    if (!hasPackageLists()) await apt('update');
    await installOrMend(apt, packages, report, signal);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const reason = error.tail.find((line) => line.startsWith('E:')) ?? error.message;
    const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
    throw new SetupError(`apt-get failed (${reason}): mend that, then try ${command}`);
  }
}

/** Old package lists and a dpkg that was killed half-way are the two usual failures; both can be mended here. */
async function installOrMend(apt, packages, report, signal) {
  const install = () => apt('install', '--no-install-recommends', ...packages);
  try {
    await install();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await run('dpkg', ['--configure', '-a', '--force-confold'], { env, signal, onLine: report });
    await apt('update');
    await install();
  }
}

function hasPackageLists() {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => name.includes('_Packages'));
}
