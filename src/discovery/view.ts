/** What discovery knows of Marathon's apps, safe against answers that are older than an event. */
import type { MarathonApp } from '../clients/marathon.ts';
import { type Leaving, matcherOf } from './hints.ts';

/** Epochs count events: an answer counts only if no event about its app came after the question. */
export function createView() {
  const apps = new Map<string, MarathonApp>();
  const touched = new Map<string, number>();
  const dead = createDead();
  let epoch = 0;
  const isNewer = (id: string, asked: number) => (touched.get(id) ?? 0) > asked;

  return {
    epoch: () => epoch,
    has: (id: string) => apps.has(id),
    size: () => apps.size,
    list: () => [...apps.values()],
    /** Notes that something happened to the app. */
    touch(id: string): void {
      epoch += 1;
      touched.set(id, epoch);
    },
    /** Takes one answer, asked at `asked`; undefined says that there is no such app of ours. */
    put(id: string, app: MarathonApp | undefined, asked: number): boolean {
      if (isNewer(id, asked)) return false;
      if (app === undefined) apps.delete(id);
      else apps.set(id, dead.leaveOut(app));
      return true;
    },
    /** Takes a list of all apps, except where an event came after the question. */
    putAll(all: MarathonApp[], asked: number): void {
      const listed = new Map(all.map((app) => [app.id, app]));
      for (const id of apps.keys()) if (!listed.has(id) && !isNewer(id, asked)) apps.delete(id);
      for (const [id, app] of listed) if (!isNewer(id, asked)) apps.set(id, dead.leaveOut(app));
      for (const id of touched.keys()) if (!isNewer(id, asked)) touched.delete(id);
      dead.forget(all, asked);
    },
    /** Takes a task out of the apps given; true when it was there. */
    remove({ task, forGood }: Leaving, from: string[]): boolean {
      const isIt = matcherOf(task);
      const having = from.flatMap((id) => apps.get(id) ?? []).filter((app) => app.tasks.some(isIt));
      // An instance may come back as another task, so the dead are tasks.
      const tasks = having.flatMap((app) => app.tasks.filter(isIt).map(({ id }) => id));
      if (forGood) for (const id of [task, ...tasks]) dead.add(id, epoch);
      for (const app of having) {
        apps.set(app.id, { ...app, tasks: app.tasks.filter((one) => !isIt(one)) });
      }
      return having.length > 0;
    },
  };
}

// Kept only until Marathon stops listing the task, so there are never many at once.
const maximumDead = 10_000;

/** Tasks that were said to be dead, which a late answer may still list as running. */
function createDead() {
  const dead = new Map<string, number>();
  return {
    add(task: string, since: number): void {
      if (dead.size < maximumDead) dead.set(task, since);
    },
    leaveOut(app: MarathonApp): MarathonApp {
      return { ...app, tasks: app.tasks.filter(({ id }) => !dead.has(id)) };
    },
    forget(listed: MarathonApp[], asked: number): void {
      const tasks = new Set(listed.flatMap((app) => app.tasks.map(({ id }) => id)));
      for (const [task, since] of dead) {
        if (since <= asked && !tasks.has(task)) dead.delete(task);
      }
    },
  };
}
