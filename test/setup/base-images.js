/** Makes the base images from this machine's own programs, since an offline machine can pull none. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CommandError, ended, run, searchPath } from './command.js';
import { baseRepository } from './docker-clean.js';

/** Raise it when the layout below changes, so that images of the old layout are not taken for the new. */
const layout = 1;
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const certificates = '/etc/ssl/certs/ca-certificates.crt';
const users =
  'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n';
const groups = 'root:x:0:\nnogroup:x:65534:\n';

/**
 * Gives the names `{busybox, node}` of the base images, made where the daemon lacks them. The tag is a hash of all that
 * goes in. `node` has everything of `busybox` besides Node itself and the certificate authorities of this machine.
 */
export async function ensureBaseImages({ api, progress, signal }) {
  const busybox = await busyboxRecipe(signal);
  const node = await nodeRecipe(busybox, signal);
  return {
    busybox: await ensureImage({ api, progress, signal, name: 'busybox', recipe: busybox }),
    node: await ensureImage({ api, progress, signal, name: 'node', recipe: node }),
  };
}

/**
 * A recipe is the files by their place in the image, the links, and the command. A link is a name for busybox, or a
 * name and what it leads to.
 */
export async function busyboxRecipe(signal) {
  const program = searchPath
    .split(':')
    .map((folder) => join(folder, 'busybox'))
    .find(existsSync);
  const applets = await applet(program, signal);
  const libraries = await librariesOf(program, signal);
  return {
    files: { '/bin/busybox': program, ...libraries },
    links: applets.map((name) => `/${name}`).filter((name) => name !== '/bin/busybox'),
    command: ['sh'],
  };
}

async function applet(program, signal) {
  const names = [];
  await run(program, ['--list-full'], { signal, onLine: (line) => names.push(line) });
  return names;
}

export async function nodeRecipe(busybox, signal) {
  const libraries = await librariesOf(process.execPath, signal);
  const files = { ...busybox.files, '/usr/local/bin/node': process.execPath, ...libraries };
  if (existsSync(certificates)) files[certificates] = certificates;
  return { ...busybox, files, command: ['node'] };
}

/** The shared libraries of `program`, each at the path under which the loader will look for it. */
export async function librariesOf(program, signal) {
  try {
    const libraries = {};
    const onLine = (line) => {
      const found = /(?:=> |^\s*)(\/\S+) \(0x/.exec(line)?.[1];
      if (found) libraries[found] = realpathSync(found);
    };
    await run('ldd', [program], { signal, onLine });
    return libraries;
  } catch (error) {
    // ldd ends with 1 for a static program.
    if (error instanceof CommandError) return {};
    throw error;
  }
}

/** Gives the name of the image; it is made where the daemon lacks it. */
export async function ensureImage({ api, progress, signal, name, recipe }) {
  const repository = `${baseRepository}/${name}`;
  const tag = await tagOf(recipe);
  const image = `${repository}:${tag}`;
  if (await hasImage(api, image)) return image;
  await progress.step(`image ${image}`, () =>
    importImage({ api, signal, repository, tag, recipe }),
  );
  return image;
}

async function hasImage(api, image) {
  try {
    await api.get(`/images/${image}/json`);
    return true;
  } catch (error) {
    if (error.status === 404) return false;
    throw error;
  }
}

async function tagOf({ files, links, command }) {
  const hash = createHash('sha256').update(
    JSON.stringify([layout, path, users, groups, links, command]),
  );
  for (const place of Object.keys(files).sort()) {
    hash.update(`\0${place}\0`);
    for await (const chunk of createReadStream(files[place], { highWaterMark: 1024 * 1024 }))
      hash.update(chunk);
  }
  return hash.digest('hex').slice(0, 12);
}

async function importImage({ api, signal, repository, tag, recipe }) {
  const folder = mkdtempSync(join(tmpdir(), 'ekiden-base-'));
  try {
    layOut(folder, recipe);
    const changes = [`ENV PATH=${path}`, `CMD ${JSON.stringify(recipe.command)}`];
    const query = new URLSearchParams([
      ['fromSrc', '-'],
      ['repo', repository],
      ['tag', tag],
      ...changes.map((change) => ['changes', change]),
    ]);
    await sendTar(folder, (tar) => api.post(`/images/create?${query}`, tar), signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function layOut(folder, { files, links }) {
  const place = (name) => {
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true });
    return target;
  };
  for (const [name, source] of Object.entries(files)) copyFileSync(source, place(name));
  for (const link of links) {
    const [name, target] = typeof link === 'string' ? [link, '/bin/busybox'] : link;
    symlinkSync(target, place(name));
  }
  writeFileSync(place('/etc/passwd'), users);
  writeFileSync(place('/etc/group'), groups);
  mkdirSync(place('/root'), { recursive: true, mode: 0o700 });
  mkdirSync(place('/tmp'));
  chmodSync(join(folder, 'tmp'), 0o1777);
  chmodSync(folder, 0o755);
}

async function sendTar(folder, send, signal) {
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  const stdio = ['ignore', 'pipe', 'inherit'];
  const tar = spawn('tar', ['-C', folder, ...owner, '-c', '.'], { stdio, signal });
  const end = ended(tar);
  const answer = await send(tar.stdout);
  const code = await end;
  if (code !== 0) throw new Error(`tar ended with ${code}`);
  const failure = /"error":"([^"]*)"/.exec(answer)?.[1];
  if (failure) throw new Error(`Docker could not import the image: ${failure}`);
}
