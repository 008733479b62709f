/** What discovery knows of Marathon's apps: the newest answers, less the tasks that events took out since. */
import type { MarathonApp, MarathonTask } from '../clients/marathon.ts';
import { type Leaving, matcherOf } from './hints.ts';

/** Epochs count events, so that a question's epoch tells which events its answer may not know of. */
export function createView() {
  const apps = new Map<string, MarathonApp>();
  const answered = new Map<string, number>();
  const departures = createDepartures();
  let epoch = 0;
  const isNewer = (id: string, asked: number) => (answered.get(id) ?? 0) > asked;
  const set = (app: MarathonApp, asked: number) => {
    apps.set(app.id, { ...app, tasks: departures.leaveOut(app.tasks, asked) });
  };

  return {
    epoch: () => epoch,
    has: (id: string) => apps.has(id),
    size: () => apps.size,
    list: () => [...apps.values()],
    /** Takes one answer, asked at `asked`; undefined says that there is no such app of ours. */
    put(id: string, app: MarathonApp | undefined, asked: number): void {
      if (isNewer(id, asked)) return;
      answered.set(id, asked);
      if (app === undefined) apps.delete(id);
      else set(app, asked);
    },
    /** Takes a list of all apps, except where a newer answer is known. */
    putAll(all: MarathonApp[], asked: number): void {
      const listed = new Set(all.map(({ id }) => id));
      for (const id of apps.keys()) if (!listed.has(id) && !isNewer(id, asked)) apps.delete(id);
      for (const app of all) if (!isNewer(app.id, asked)) set(app, asked);
      for (const id of answered.keys()) if (!isNewer(id, asked)) answered.delete(id);
      departures.forget(all, asked);
    },
    /** Takes a task out of the apps given; true when it was there. */
    remove(leaving: Leaving, from: string[]): boolean {
      epoch += 1;
      const isIt = matcherOf(leaving.task);
      const having = from.flatMap((id) => apps.get(id) ?? []).filter((app) => app.tasks.some(isIt));
      // An instance may come back as another task, so only tasks are dead for good.
      departures.add(leaving, having.flatMap((app) => app.tasks).filter(isIt), epoch);
      for (const app of having) {
        apps.set(app.id, { ...app, tasks: app.tasks.filter((one) => !isIt(one)) });
      }
      return having.length > 0;
    },
  };
}

// Kept only until Marathon stops listing the task, so there are never many at once.
const maximumDepartures = 10_000;

/** What events said about tasks that an answer may still list as well. */
function createDepartures() {
  const dead = new Map<string, number>();
  const absent = new Map<string, { since: number; isIt: ReturnType<typeof matcherOf> }>();
  return {
    add({ task, forGood }: Leaving, known: MarathonTask[], since: number): void {
      if (absent.size < maximumDepartures) absent.set(task, { since, isIt: matcherOf(task) });
      if (!forGood || dead.size >= maximumDepartures) return;
      for (const id of [task, ...known.map((one) => one.id)]) dead.set(id, since);
    },
    /** The dead never come back; others do with an answer that was asked for later. */
    leaveOut(tasks: MarathonTask[], asked: number): MarathonTask[] {
      const recent = [...absent.values()].filter(({ since }) => since > asked);
      return tasks.filter((task) => !dead.has(task.id) && !recent.some(({ isIt }) => isIt(task)));
    },
    forget(listed: MarathonApp[], asked: number): void {
      const tasks = new Set(listed.flatMap((app) => app.tasks.map(({ id }) => id)));
      for (const [task, since] of dead) if (since <= asked && !tasks.has(task)) dead.delete(task);
      for (const [task, { since }] of absent) if (since <= asked) absent.delete(task);
    },
  };
}
