/** Makes base images that hold what the platform's fragments would install, from this machine's own packages. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { busyboxRecipe, ensureImage, librariesOf, nodeRecipe } from './base-images.js';
import { searchPath } from './command.js';

/** Gives the names of the images by the fragment that starts from them. */
export async function ensureFragmentImages({ api, progress, signal }) {
  const busybox = await busyboxRecipe(signal);
  const tomcat = await tomcatRecipe(busybox, signal);
  const recipes = {
    node: npmRecipe(await nodeRecipe(busybox, signal)),
    ...{ tomcat, java: tomcat },
    python: await pythonRecipe(busybox, signal),
    nginx: await nginxRecipe(busybox, signal),
  };
  const images = {};
  for (const [name, recipe] of Object.entries(recipes)) {
    const same = Object.keys(images).find((other) => recipes[other] === recipe);
    images[name] =
      images[same] ?? (await ensureImage({ api, progress, signal, name: `with-${name}`, recipe }));
  }
  return images;
}

/** Node and the npm that is called here. */
function npmRecipe(node) {
  const npm = dirname(dirname(realpathSync(programAt('npm'))));
  const place = '/usr/local/lib/node_modules/npm';
  const isRun = (path) => !/^(docs|man)\/|\.md$/.test(path);
  return {
    ...node,
    files: { ...node.files, ...filesIn(npm, { place, isWanted: isRun }) },
    links: [...node.links, ['/usr/local/bin/npm', `${place}/bin/npm-cli.js`]],
  };
}

/** What Tomcat needs of Java, and Tomcat as the package tomcat10-user brings it. */
async function tomcatRecipe(busybox, signal) {
  const home = dirname(dirname(realpathSync(programAt('java'))));
  const place = '/usr/lib/jvm/java';
  const isRun = (path) =>
    /^(lib|conf)\/|^bin\/java$|^release$/.test(path) && !/^lib\/(src\.zip|ct\.sym)$/.test(path);
  const natives = ['bin/java', 'lib/server/libjvm.so', 'lib/libnio.so', 'lib/libzip.so'];
  return {
    ...busybox,
    files: {
      ...busybox.files,
      ...filesIn(home, { place, isWanted: isRun }),
      ...(await librariesOfAll(
        natives.map((file) => join(home, file)),
        signal,
      )),
      ...filesIn('/usr/share/tomcat10'),
      // The archive of Jasper names this one as its neighbour.
      '/usr/share/tomcat10/lib/eclipse-jdt-core.jar': '/usr/share/java/eclipse-jdt-core.jar',
    },
    links: [...busybox.links, ['/usr/bin/java', `${place}/bin/java`]],
  };
}

async function pythonRecipe(busybox, signal) {
  const program = realpathSync('/usr/bin/python3');
  const library = `/usr/lib/${program.split('/').at(-1)}`;
  const isRun = (path) => !/(^|\/)(__pycache__|test|config-[^/]*|idlelib|pydoc_data)\//.test(path);
  const files = {
    ...filesIn(library, { isWanted: isRun }),
    ...filesIn('/usr/share/python-wheels'),
  };
  const natives = Object.keys(files).filter((file) => file.endsWith('.so'));
  const libraries = await librariesOfAll([program, ...natives], signal);
  return {
    ...busybox,
    files: { ...busybox.files, '/usr/bin/python3': program, ...files, ...libraries },
  };
}

async function nginxRecipe(busybox, signal) {
  const program = programAt('nginx');
  const types = '/etc/nginx/mime.types';
  const libraries = await librariesOf(program, signal);
  const files = { '/usr/sbin/nginx': program, [types]: types, ...libraries };
  return {
    ...busybox,
    files: { ...busybox.files, ...files },
    links: [...busybox.links, ['/var/log/nginx/error.log', '/dev/stderr']],
  };
}

function programAt(name) {
  return searchPath
    .split(':')
    .map((folder) => join(folder, name))
    .find(existsSync);
}

/** All files below a folder that are wanted, at the same place in the image or below `place`; links are followed. */
function filesIn(folder, { place = folder, isWanted = () => true } = {}) {
  const files = {};
  const walk = (path) => {
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) walk(below);
      // Packages leave links to what only others bring.
      else if (isWanted(below) && existsSync(join(folder, below)))
        files[join(place, below)] = join(folder, below);
    }
  };
  walk('');
  return files;
}

async function librariesOfAll(programs, signal) {
  const found = [];
  // A few at a time, since each is a process of its own.
  for (let index = 0; index < programs.length; index += 8) {
    const some = programs.slice(index, index + 8);
    found.push(...(await Promise.all(some.map((program) => librariesOf(program, signal)))));
  }
  return Object.assign({}, ...found);
}
