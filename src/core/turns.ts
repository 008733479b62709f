/**
 * Whose build is next: production first within a project, and one build of each project a round.
 *
 * Start-time fair queueing (Goyal, Vin, Cheng 1996) where each build counts the same and each project
 * has the same share: the first build of a project that waits belongs to the round that is under way
 * (the one that the newest begun build belonged to), or to the one after its last begun build; each
 * following build belongs to one round more. Within a round production goes first, then the project
 * that has its seat longer. What is given up leaves no debt, since only what has begun counts.
 */

/** A build that waits. */
export interface Turn {
  build: string;
  project: number;
  isProduction: boolean;
}

/** A project with builds that wait or run, or that had more than others who wait. */
interface Share {
  project: number;
  /** Round of its first waiting build. */
  round: number;
  /** Its place within each round. */
  seat: number;
  /** In order: production, then what came first. */
  waiting: Pick<Turn, 'build' | 'isProduction'>[];
  running: string[];
}

/** All that wait or run, as it is kept. */
export interface Turns {
  /** The round that is under way. */
  round: number;
  shares: Share[];
}

export const noTurns: Turns = { round: 0, shares: [] };

/** More projects than this share the last seat, in which the first who came is the first. */
const seats = 128;

/** BullMQ takes priorities up to this. */
const mostPriority = 2 ** 21;

/** Rounds that priorities can tell apart; what lies beyond them waits in the last one. */
const rounds = mostPriority / (2 * seats);

/** Rounds are counted anew from here, which leaves as many for those that wait. */
const renewAt = rounds / 2;

/** Puts a build in line; one that is there keeps its turn. */
export function takeTurn(turns: Turns, { build, project, isProduction }: Turn): Turns {
  const shares = turns.shares.filter((share) => share.project !== project);
  const known = turns.shares.find((share) => share.project === project);
  if (known && holds(known, build)) return turns;
  const share = known ?? { project, round: 0, seat: freeSeat(shares), waiting: [], running: [] };
  const ahead = isProduction ? share.waiting.filter((turn) => turn.isProduction) : share.waiting;
  const behind = share.waiting.slice(ahead.length);
  const round = share.waiting.length > 0 ? share.round : Math.max(share.round, turns.round);
  const waiting = [...ahead, { build, isProduction }, ...behind];
  return settled({ round: turns.round, shares: [...shares, { ...share, round, waiting }] });
}

function holds({ waiting, running }: Share, build: string): boolean {
  return running.includes(build) || waiting.some((turn) => turn.build === build);
}

/** A build that waits begins: its project has had its turn in this round. */
export function beginTurn(turns: Turns, build: string): Turns {
  const share = turns.shares.find(({ waiting }) => waiting.some((turn) => turn.build === build));
  if (!share) return turns;
  const at = share.waiting.findIndex((turn) => turn.build === build);
  const begun: Share = {
    ...share,
    round: share.round + 1,
    waiting: share.waiting.toSpliced(at, 1),
    running: [...share.running, build],
  };
  const round = Math.max(turns.round, share.round + at);
  return settled({ round, shares: turns.shares.with(turns.shares.indexOf(share), begun) });
}

/** A build has ended, or is given up before it began: then those behind it in its project move up. */
export function endTurn(turns: Turns, build: string): Turns {
  const share = turns.shares.find((each) => holds(each, build));
  if (!share) return turns;
  const left: Share = {
    ...share,
    waiting: share.waiting.filter((turn) => turn.build !== build),
    running: share.running.filter((each) => each !== build),
  };
  const shares = turns.shares.with(turns.shares.indexOf(share), left);
  return settled({ round: turns.round, shares });
}

/** Forgets projects that have no advantage to make up for, and counts rounds anew before they run out. */
function settled({ round, shares }: Turns): Turns {
  const isEmpty = shares.every(({ waiting }) => waiting.length === 0);
  const kept = shares.filter(
    (share) =>
      share.waiting.length > 0 || share.running.length > 0 || (!isEmpty && share.round > round),
  );
  if (kept.length === 0) return noTurns;
  if (round < renewAt) return { round, shares: kept };
  const renewed = kept.map((share) => ({ ...share, round: Math.max(0, share.round - round) }));
  return { round: 0, shares: renewed };
}

/** Behind all others, so that who came first is the first; where all are taken, one that is free again. */
function freeSeat(shares: Share[]): number {
  const taken = new Set(shares.map(({ seat }) => seat));
  const last = Math.max(-1, ...taken) + 1;
  if (last < seats) return last;
  const free = Array.from({ length: seats }, (_, seat) => seat).find((seat) => !taken.has(seat));
  return free ?? seats - 1;
}

export function buildsOf({ shares }: Turns): string[] {
  return shares.flatMap(({ waiting, running }) => [
    ...waiting.map(({ build }) => build),
    ...running,
  ]);
}

/** The priority of each build that waits, from 1, smaller first. */
export function prioritiesOf({ shares }: Turns): Map<string, number> {
  return new Map(
    shares.flatMap(({ round, seat, waiting }) =>
      waiting.map(({ build, isProduction }, index): [string, number] => [
        build,
        priorityIn({ round: round + index, isProduction, seat }),
      ]),
    ),
  );
}

function priorityIn(place: { round: number; isProduction: boolean; seat: number }): number {
  const { round, isProduction, seat } = place;
  const half = 2 * Math.min(round, rounds - 1) + (isProduction ? 0 : 1);
  return 1 + Math.min(half * seats + seat, mostPriority - 1);
}

/** Keeps the turns of all builds that wait. */
export interface BuildTurns {
  /** Puts a build in line, which may move others; answers its priority, from 1, smaller first. */
  take(turn: Turn): Promise<number>;
  /** Tells that a build begins; told again, it does nothing. */
  begin(build: string): Promise<void>;
  /** Forgets a build that has ended or is given up; those behind it move up. */
  end(build: string): Promise<void>;
  /** Of all builds in line. */
  priorities(): Promise<Map<string, number>>;
  /** All that wait or run, as far as is known. */
  builds(): Promise<string[]>;
}
