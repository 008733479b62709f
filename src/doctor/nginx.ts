/** Checks nginx: is it there, in which mode can it run, and is its address free. */
import { createServer } from 'node:net';
import { type Address, formatAddress, listenError, lowPortHint } from '../core/address.ts';
import { asRoot, type Check, failed, fine, type Outcome, warned } from './check.ts';
import { versionOf } from './programs.ts';

export interface NginxCheckOptions {
  mode: 'auto' | 'dynamic' | 'file';
  listen: Address;
  /** Whether this nginx can run Lua. */
  hasLua(): Promise<boolean>;
  /** Whether the nginx of this Ekiden runs. */
  runs(): Promise<boolean>;
}

const lua = asRoot('apt-get install libnginx-mod-http-lua lua-resty-core lua-cjson');

export function checkNginx({ mode, hasLua }: NginxCheckOptions): Check {
  return {
    name: 'nginx',
    async run(signal) {
      const version = await versionOf('nginx', signal, '-v');
      if (version === undefined) {
        return failed('is not installed', asRoot('apt-get install nginx-light'));
      }
      return judgeMode(version, mode, await hasLua());
    },
  };
}

export function judgeMode(
  version: string,
  mode: NginxCheckOptions['mode'],
  hasLua: boolean,
): Outcome {
  if (mode === 'file') return fine(`${version}, file mode`);
  if (hasLua) return fine(`${version}, dynamic mode`);
  if (mode === 'dynamic') return failed(`${version} has no Lua, which dynamic mode needs`, lua);
  return warned(`${version} has no Lua: file mode, which reloads nginx at each change`, lua);
}

export function checkNginxAddress({ listen, runs }: NginxCheckOptions): Check {
  const address = formatAddress(listen);
  return {
    name: 'nginx address',
    async run() {
      const error = await tryToListen(listen);
      if (error === undefined) return fine(`${address} is free`);
      if (error.code === 'EADDRINUSE' && (await runs())) return fine(`${address} is Ekiden's`);
      if (error.code === 'EACCES') {
        return warned(`${address} may not be used by this user`, lowPortHint('nginx'));
      }
      const { message, hint } = listenError({
        ...{ address, setting: 'NGINX_LISTEN', program: 'nginx', error },
      });
      return failed(message.replace(/\.$/, ''), hint);
    },
  };
}

async function tryToListen(address: Address): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(address, () => resolve(undefined));
  });
  await new Promise((closed) => server.close(closed));
  return error;
}
