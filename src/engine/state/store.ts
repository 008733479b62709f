/** Keeps the engine's state as JSON documents on disk; each is replaced in one step, so a kill leaves old or new. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** Returns what to write now; undefined removes the document. */
export type Snapshot = () => unknown;

export interface Store {
  /** All documents by name. */
  load(): Promise<Map<string, unknown>>;
  /** Marks a document for writing; several marks before a write cost one. */
  save(name: string, snapshot: Snapshot): void;
  /** Resolves when all that was marked until now is on disk. */
  flush(): Promise<void>;
  /** The same, and from then on nothing is taken: the folder belongs to whoever opens it next. */
  close(): Promise<void>;
}

const RETRY_MS = 1000;

/** What is wrong for long is told again after this time. */
const REPEAT_WARNING_MS = 60_000;

/** Begins the names of what the others refer to. */
const FIRST = '_';

/**
 * Opens the folder, which is made where it is missing. Of what is marked, documents whose name
 * begins with an underscore are written first, in the order of their marks.
 */
export function createStore({ folder, log }: { folder: string; log: Log }): Store {
  let marked = new Map<string, Snapshot>();
  let writing: Promise<void> | undefined;
  let isClosed = false;
  const retries = createRetries({ log, folder, again: startInBackground });

  async function writeMarked(): Promise<void> {
    while (marked.size > 0) {
      const batch = marked;
      marked = new Map();
      await writeBatch(folder, batch).catch((error) => {
        marked = new Map([...batch, ...marked]);
        throw error;
      });
    }
  }

  function start(): Promise<void> {
    writing ??= writeMarked().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  function startInBackground(): void {
    start().then(retries.succeeded, retries.failed);
  }

  const flush = () =>
    start().catch((error: unknown) => {
      retries.failed(error);
      throw error;
    });

  return {
    load: () => loadDocuments(folder),
    save: (name, snapshot) => {
      if (isClosed) return;
      marked.set(name, snapshot);
      if (!writing && !retries.isDue()) setImmediate(startInBackground);
    },
    flush,
    async close() {
      isClosed = true;
      await flush().catch((error: unknown) => {
        isClosed = false;
        throw error;
      });
    },
  };
}

interface RetriesOptions {
  log: Log;
  folder: string;
  again: () => void;
}

/** One next try after any number of failures, and a word of them once a minute. */
function createRetries({ log, folder, again }: RetriesOptions) {
  let next: NodeJS.Timeout | undefined;
  let toldAt = 0;
  const repeat = () => {
    next = undefined;
    again();
  };

  return {
    isDue: (): boolean => next !== undefined,

    failed: (error: unknown): void => {
      next ??= setTimeout(repeat, RETRY_MS).unref();
      if (Date.now() < toldAt + REPEAT_WARNING_MS) return;
      toldAt = Date.now();
      log.error({ error: messageOf(error), folder }, 'cannot write the state; trying again');
    },

    succeeded: (): void => {
      if (toldAt > 0) log.info({ folder }, 'the state is written again');
      toldAt = 0;
    },
  };
}

/** Disks take many small writes together much faster than one after another. */
const AT_ONCE = 16;

/** What is written before the others is on the disk before they are begun. */
async function writeBatch(folder: string, batch: Map<string, Snapshot>): Promise<void> {
  const write = ([name, snapshot]: [string, Snapshot]) =>
    writeDocument(join(folder, `${name}.json`), snapshot());
  const first = [...batch].filter(([name]) => name.startsWith(FIRST));
  const others = [...batch].filter(([name]) => !name.startsWith(FIRST));
  for (const document of first) await write(document);
  if (first.length > 0) await syncFolder(folder);
  while (others.length > 0) await Promise.all(others.splice(0, AT_ONCE).map(write));
  await syncFolder(folder);
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
