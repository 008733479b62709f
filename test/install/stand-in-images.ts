/** Makes stand-ins for the images of docker-compose.yml from this machine's own programs, since none can be pulled. */
import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Docker } from '../../src/clients/docker.ts';
import { packageFolder } from '../../src/paths.ts';

const run = promisify(execFile);

export interface StandIn {
  name: string;
  base: string;
  /** Files and folders of this machine, which keep their places or get the ones on the right. */
  files: (string | [from: string, to: string])[];
  texts?: Record<string, string>;
  /** Instructions of a Dockerfile. */
  instructions: string[];
}

/** Builds the image and marks it with the label of `install`. */
export async function buildStandIn(docker: Docker, standIn: StandIn, install: string) {
  const folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? '/tmp', 'image-'));
  try {
    await layOut(folder, standIn);
    const tar = spawn('tar', ['-C', folder, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const labels = { 'ekiden.install': install };
    const stream = await docker.buildImage(tar.stdout, { t: standIn.name, labels });
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function layOut(folder: string, { base, files, texts, instructions }: StandIn) {
  const place = async (name: string) => {
    const target = join(folder, 'root', name);
    await mkdir(dirname(target), { recursive: true });
    return target;
  };
  for (const file of files) {
    const [from, to] = typeof file === 'string' ? [file, file] : file;
    await cp(await realpath(from), await place(to), { recursive: true, filter: isRun });
    // To ask about each folder of the packages would start hundreds of processes for nothing.
    if ((await stat(from)).isDirectory()) continue;
    for (const library of await librariesOf(from)) {
      await cp(await realpath(library), await place(library));
    }
  }
  for (const [name, text] of Object.entries(texts ?? {})) {
    await writeFile(await place(name), text, { mode: name.includes('/bin/') ? 0o755 : 0o644 });
  }
  const dockerfile = [`FROM ${base}`, 'COPY root/ /', ...instructions].join('\n');
  await writeFile(join(folder, 'Dockerfile'), `${dockerfile}\n`);
}

/** Most files of packages are types, maps and texts, which nobody needs to run them. */
function isRun(file: string): boolean {
  return !/\.(d\.[cm]?ts|map|md)$/.test(file);
}

/** The shared libraries of a program, each at the path under which the loader looks for it. */
async function librariesOf(file: string): Promise<string[]> {
  // ldd ends with 1 for what is no dynamic program.
  const { stdout } = await run('ldd', [file]).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path]) => path ?? '');
}

/** What the Dockerfile puts into the image: the compiled program, its packages, and nginx with Lua. */
export async function ekidenImage(name: string, base: string): Promise<StandIn> {
  const at = '/opt/ekiden';
  const compiled = ['dist/src', 'dist/hooks', 'dist/runners'];
  const own = [...compiled, 'templates', 'package.json', ...(await productionPackages())];
  const lua = await run('sh', ['-c', 'ls -d /usr/lib/*/lua/5.1/cjson.so']);
  return {
    name,
    base,
    files: [
      ...own.map((path): [string, string] => [join(packageFolder, path), join(at, path)]),
      ...['/usr/sbin/nginx', '/usr/share/lua/5.1', lua.stdout.trim()],
      ...['ndk_http_module.so', 'ngx_http_lua_module.so'].map(
        (module) => `/usr/lib/nginx/modules/${module}`,
      ),
    ],
    texts: {
      '/etc/passwd': ['root:x:0:0', 'www-data:x:33:33', 'ekiden:x:7300:7300'].map(toUser).join(''),
      '/var/lib/nginx/body/.keep': '',
      '/etc/group': 'root:x:0:\nwww-data:x:33:\nekiden:x:7300:\n',
      '/usr/local/bin/ekiden': `#!/bin/sh\nexec node ${at}/dist/runners/cli.js "$@"\n`,
    },
    instructions: ['USER ekiden', 'ENTRYPOINT ["ekiden"]'],
  };
}

function toUser(start: string): string {
  return `${start}::/:/bin/sh\n`;
}

async function productionPackages(): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(packageFolder, 'package-lock.json'), 'utf8'));
  const packages = Object.entries<{ dev?: true; optional?: true }>(lock.packages);
  return packages
    .filter(([path, { dev, optional }]) => path !== '' && !dev && !optional)
    .map(([path]) => path)
    .filter((path) => path.lastIndexOf('node_modules') === 0);
}

export function redisImage(name: string, base: string): StandIn {
  const files = ['/usr/bin/redis-server', '/usr/bin/redis-cli'];
  return { name, base, files, instructions: ['CMD ["redis-server"]'] };
}

export function registryImage(name: string, base: string): StandIn {
  const settings = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: '/var/lib/registry' } },
    http: { addr: ':5000' },
  };
  return {
    name,
    base,
    files: ['/usr/bin/docker-registry'],
    texts: { '/etc/docker/registry/config.yml': JSON.stringify(settings) },
    instructions: ['CMD ["docker-registry", "serve", "/etc/docker/registry/config.yml"]'],
  };
}
