/** Keeps the engine's state as JSON documents on disk; each is replaced in one step, so a kill leaves old or new. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** Returns what to write now; undefined removes the document. */
export type Snapshot = () => unknown;

export interface Store {
  /** All documents by name. */
  load(): Promise<Map<string, unknown>>;
  /** Marks a document for writing; several marks before a write cost one. */
  save(name: string, snapshot: Snapshot): void;
  /** Resolves when all that was marked until now is on disk. */
  flush(): Promise<void>;
}

const RETRY_MS = 1000;

/** Opens the folder, which is made where it is missing. Documents are written in the order of their marks. */
export function createStore({ folder, log }: { folder: string; log: Log }): Store {
  let marked = new Map<string, Snapshot>();
  let writing: Promise<void> | undefined;

  async function writeMarked(): Promise<void> {
    while (marked.size > 0) {
      const batch = marked;
      marked = new Map();
      for (const [name, snapshot] of batch) {
        await writeDocument(join(folder, `${name}.json`), snapshot()).catch((error) => {
          marked = new Map([...batch, ...marked]);
          throw error;
        });
      }
      await syncFolder(folder);
    }
  }

  function start(): Promise<void> {
    writing ??= writeMarked().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  function startInBackground(): void {
    start().catch((error: unknown) => {
      log.error({ error: messageOf(error), folder }, 'cannot write the state; trying again');
      setTimeout(startInBackground, RETRY_MS).unref();
    });
  }

  return {
    load: () => loadDocuments(folder),
    save: (name, snapshot) => {
      marked.set(name, snapshot);
      if (!writing) setImmediate(startInBackground);
    },
    flush: async () => {
      await start();
    },
  };
}

async function loadDocuments(folder: string): Promise<Map<string, unknown>> {
  await mkdir(folder, { recursive: true });
  const documents = new Map<string, unknown>();
  for (const file of await readdir(folder)) {
    const path = join(folder, file);
    if (file.endsWith('.tmp')) await rm(path);
    else if (file.endsWith('.json')) {
      documents.set(file.slice(0, -'.json'.length), JSON.parse(await readFile(path, 'utf8')));
    }
  }
  return documents;
}

async function writeDocument(path: string, value: unknown): Promise<void> {
  if (value === undefined) return rm(path, { force: true });
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(value));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** A rename is only lasting once its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
