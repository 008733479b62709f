/** The programs of this machine that Ekiden starts itself. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { asRoot, type Check, failed, fine, isAtLeast, type Outcome } from './check.ts';

const run = promisify(execFile);

const leastNode = '20.18.1';
/** Older ones lack commands that the queue needs. */
export const leastRedis = '6.2';

/** As in the usual PATH of root, since a plain user's often lacks the sbin folders. */
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function checkNode(version = process.versions.node): Check {
  return {
    name: 'Node.js',
    run: async () =>
      isAtLeast(version, leastNode)
        ? fine(version)
        : failed(`${version} is older than ${leastNode}`, 'Install Node.js 20 or newer.'),
  };
}

export interface ProgramOptions {
  /** As it is started, such as `redis-server`. */
  program: string;
  /** Debian packages that bring it. */
  packages: string;
  /** The setting that makes it unnecessary. */
  setting: string;
  least?: string;
}

/** Sees that a program is there, and new enough. */
export function checkProgram({ program, packages, setting, least = '0' }: ProgramOptions): Check {
  const mend = `${asRoot(`apt-get install ${packages}`)}, or set ${setting}`;
  return {
    name: program,
    async run(signal): Promise<Outcome> {
      const version = await versionOf(program, signal);
      if (version === undefined) return failed('is not installed', mend);
      if (isAtLeast(version, least)) return fine(version);
      return failed(`${version} is older than ${least}`, mend);
    },
  };
}

/** What the program calls its version; undefined when it cannot be run. */
export async function versionOf(
  program: string,
  signal: AbortSignal,
  how = '--version',
): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(program, [how], { signal, env: { PATH: path } });
    return /\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? 'of unknown version';
  } catch {
    return undefined;
  }
}
