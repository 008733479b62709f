/** Where the kernel counts what a container uses, in each layout of cgroups (v1, v2, both); pure. */

/** The files of one container, by what they hold; several in the order of preference. */
export interface CounterFiles {
  cpu: CounterFile[];
  memory: CounterFile[];
  memoryStat: CounterFile[];
  disk: CounterFile[];
  cpuLimit: CounterFile[];
  memoryLimit: CounterFile[];
}

export interface CounterFile {
  path: string;
  version: 1 | 2;
}

/** The controllers and names of v1, and the names of v2. */
const names = {
  cpu: { controller: 'cpuacct', v1: 'cpuacct.usage', v2: 'cpu.stat' },
  memory: { controller: 'memory', v1: 'memory.usage_in_bytes', v2: 'memory.current' },
  memoryStat: { controller: 'memory', v1: 'memory.stat', v2: 'memory.stat' },
  disk: { controller: 'blkio', v1: 'blkio.throttle.io_service_bytes', v2: 'io.stat' },
  cpuLimit: { controller: 'cpu', v1: 'cpu.cfs_quota_us', v2: 'cpu.max' },
  memoryLimit: { controller: 'memory', v1: 'memory.limit_in_bytes', v2: 'memory.max' },
} as const;

export interface LayoutOptions {
  /** Where cgroups are mounted, such as `/sys/fs/cgroup`. */
  root: string;
  /** What `/proc/<pid>/cgroup` says. */
  text: string;
  /** Docker's id of the container. */
  container: string;
}

/**
 * Each controller is looked for by itself, since a host may have some in v1 and others in v2. The
 * kernel's own word is the first guess; in a cgroup namespace of one's own it is a path from there,
 * so Docker's two ways of naming (cgroupfs, systemd) follow.
 */
export function counterFiles({ root, text, container }: LayoutOptions): CounterFiles {
  const said = parseCgroups(text);
  const usual = [`/docker/${container}`, `/system.slice/docker-${container}.scope`];
  const places = (path: string | undefined) =>
    [...new Set([path ?? '/', ...usual])].filter((each) => each !== '/' && !each.includes('/..'));
  const v2 = ['', '/unified'].flatMap((mount) =>
    places(said.v2).map((path) => `${root}${mount}${path}`),
  );
  const files = Object.entries(names).map(([what, { controller, v1: v1Name, v2: v2Name }]) => {
    const v1 = places(said.v1.get(controller)).map((path) => `${root}/${controller}${path}`);
    return [
      what,
      [
        ...v1.map((folder) => ({ path: `${folder}/${v1Name}`, version: 1 })),
        ...v2.map((folder) => ({ path: `${folder}/${v2Name}`, version: 2 })),
      ],
    ];
  });
  return Object.fromEntries(files);
}

/** Lines are `id:controllers:path`, without controllers for v2. */
function parseCgroups(text: string): { v1: Map<string, string>; v2?: string } {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') v2 = path;
    for (const controller of controllers.split(',').filter(Boolean)) v1.set(controller, path);
  }
  return v2 === undefined ? { v1 } : { v1, v2 };
}
