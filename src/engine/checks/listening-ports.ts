/** Which TCP ports a container's own processes listen on, as /proc of this host tells. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import {
  type ContainerProcess,
  type Listener,
  listenersOf as listenersIn,
} from '../../core/listening.ts';

const proc = {
  text: (path: string) => readFile(path, 'utf8'),
  names: (folder: string) => readdir(folder),
  link: (path: string) => readlink(path),
};

/** The sockets that listen in a container; undefined where /proc does not tell. */
export function listenersOf(container: ContainerProcess): Promise<Listener[] | undefined> {
  return listenersIn(proc, container);
}
