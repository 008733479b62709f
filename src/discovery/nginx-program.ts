/** Looks at the nginx of this machine: is it there, and can it run Lua? */
import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { lowPortHint } from '../core/address.ts';
import { messageOf, SetupError } from '../core/errors.ts';
import type { NginxMode } from './renderers/index.ts';

const run = promisify(execFile);
const packages = 'nginx-light libnginx-mod-http-lua lua-resty-core lua-cjson';
const checkTimeoutMs = 60_000;

/** Nothing of Ekiden's own environment, which holds secrets, goes to nginx. */
export const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

export interface NginxProgram {
  program: string;
  /** True when dynamic mode can work. */
  lua: boolean;
  /** Modules to load for dynamic mode, by absolute path; none where Lua is built in. */
  luaModules: string[];
}

/** Throws a SetupError that names the package when there is no nginx. */
export async function lookAtNginx(program = 'nginx'): Promise<NginxProgram> {
  const version = await run(program, ['-V'], { env: environment }).catch((error: unknown) => {
    throw missing(program, error);
  });
  const built = version.stderr;
  if (/lua-nginx-module|ngx_lua/.test(built)) return { program, lua: true, luaModules: [] };
  const folder = built.match(/--modules-path=(\S+)/)?.[1] ?? '/usr/lib/nginx/modules';
  const luaModules = ['ndk_http_module.so', 'ngx_http_lua_module.so'].map(
    (so) => `${folder}/${so}`,
  );
  const needed = [...luaModules, '/usr/share/lua/5.1/resty/core.lua'];
  const lua = (await Promise.all(needed.map(exists))).every(Boolean);
  return { program, lua, luaModules: lua ? luaModules : [] };
}

/** The mode that was asked for, or the best one that this nginx can run. */
export function chooseMode(asked: NginxMode | 'auto', nginx: NginxProgram): NginxMode {
  if (asked === 'dynamic' && !nginx.lua) {
    throw new SetupError('This nginx has no Lua, which dynamic mode needs.', {
      code: 'E_NGINX_LUA',
      hint: `Run: apt-get install ${packages}`,
    });
  }
  if (asked !== 'auto') return asked;
  return nginx.lua ? 'dynamic' : 'file';
}

/** Rejects with nginx's own words when it does not accept the configuration below `prefix`. */
export async function checkConfiguration(program: string, prefix: string): Promise<void> {
  const words = ['-t', '-q', '-p', prefix, '-c', `${prefix}/nginx.conf`, '-e', 'stderr'];
  await run(program, words, { env: environment, timeout: checkTimeoutMs }).catch((error) => {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    throw new SetupError(`nginx refuses its configuration: ${said.trim() || messageOf(error)}`, {
      code: 'E_NGINX_CONFIGURATION',
      hint: hintFor(said, 'Look at the templates in templates/nginx.'),
      cause: error,
    });
  });
}

/** What to do about the words of nginx; where they say nothing special, `usual`. */
export function hintFor(said: string, usual: string): string {
  return /bind\(\).*Permission denied/.test(said) ? lowPortHint('nginx') : usual;
}

/** The user that workers run as: none for a plain user, else the one that nginx packages make. */
export async function workerUser(): Promise<string> {
  if (process.getuid?.() !== 0) return '';
  const users = await readFile('/etc/passwd', 'utf8');
  return ['www-data', 'nginx'].find((name) => users.includes(`\n${name}:`)) ?? 'nobody';
}

export function missing(program: string, cause: unknown): SetupError {
  const hint = `Run: apt-get install ${packages}`;
  return new SetupError(`${program} cannot be run.`, { code: 'E_NGINX_MISSING', hint, cause });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
