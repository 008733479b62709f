/** Reads package-lock.json: what it misses, and whether node_modules holds what it asks for. */

/**
 * The optional packages that entries of `lock` name but that have no entry themselves, as `[name, range, dev]`.
 * npm leaves them out when the registry it asked did not have them, and `npm ci` then refuses the lock everywhere.
 */
export function missingEntries(lock) {
  const missing = new Map();
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isResolved(lock, path, name)) missing.set(name, [name, range, entry.dev === true]);
    }
  }
  return [...missing.values()];
}

/** Follows Node's look-up: the package's own node_modules, then that of each package around it. */
function isResolved(lock, path, name) {
  for (
    let folder = path;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
  ) {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (lock.packages[candidate] !== undefined) return true;
    if (folder === '') return false;
  }
}

/**
 * Tells whether `installed` (node_modules/.package-lock.json, npm's own record) is what `lock` asks for on `platform`,
 * given as `{os, cpu, libc}`.
 */
export function isInstalled(lock, installed, platform) {
  const wanted = Object.entries(lock.packages).filter(([path]) => path !== '');
  const extra = Object.keys(installed.packages).some((path) => lock.packages[path] === undefined);
  return (
    !extra && wanted.every(([path, entry]) => matches(entry, installed.packages[path], platform))
  );
}

function matches(entry, installed, platform) {
  if (installed === undefined) return entry.optional === true && !isMeantFor(entry, platform);
  return entry.version === installed.version && entry.integrity === installed.integrity;
}

/**
 * npm installs an optional package where its `os`, `cpu` and `libc` lists allow the platform. One without lists may
 * belong to a package for another platform, so its absence says nothing.
 */
function isMeantFor(entry, platform) {
  const keys = ['os', 'cpu', 'libc'].filter((key) => entry[key] !== undefined);
  return keys.length > 0 && keys.every((key) => allows(entry[key], platform[key]));
}

function allows(list, value) {
  if (list.includes(`!${value}`)) return false;
  const positive = list.filter((item) => !item.startsWith('!'));
  return positive.length === 0 || positive.includes(value);
}
