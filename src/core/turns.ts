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

/** A project with builds that wait, or that had more than others not long ago. */
interface Share {
  project: number;
  /** Round of its first waiting build. */
  round: number;
  /** Its place within each round. */
  seat: number;
  /** In order: production, then what came first. */
  waiting: Pick<Turn, 'build' | 'isProduction'>[];
}

/** All that wait, as it is kept. */
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
  if (known?.waiting.some((turn) => turn.build === build)) return turns;
  const share = known ?? { project, round: 0, seat: freeSeat(shares), waiting: [] };
  const ahead = isProduction ? share.waiting.filter((turn) => turn.isProduction) : share.waiting;
  const behind = share.waiting.slice(ahead.length);
  const round = share.waiting.length > 0 ? share.round : Math.max(share.round, turns.round);
  const waiting = [...ahead, { build, isProduction }, ...behind];
  return settled({ round: turns.round, shares: [...shares, { ...share, round, waiting }] });
}

/** A build begins: its project has had its turn in this round. */
export function beginTurn(turns: Turns, build: string): Turns {
  return withoutTurn(turns, build, 1);
}

/** A build is given up before it began; those behind it in its project move up. */
export function dropTurn(turns: Turns, build: string): Turns {
  return withoutTurn(turns, build, 0);
}

function withoutTurn(turns: Turns, build: string, served: 0 | 1): Turns {
  const share = turns.shares.find(({ waiting }) => waiting.some((turn) => turn.build === build));
  if (!share) return turns;
  const at = share.waiting.findIndex((turn) => turn.build === build);
  const round = served ? Math.max(turns.round, share.round + at) : turns.round;
  const waiting = share.waiting.toSpliced(at, 1);
  const shares = turns.shares.map((each) =>
    each === share ? { ...share, waiting, round: share.round + served } : each,
  );
  return settled({ round, shares });
}

/** Forgets projects that have no advantage to make up for, and counts rounds anew before they run out. */
function settled({ round, shares }: Turns): Turns {
  if (shares.every(({ waiting }) => waiting.length === 0)) return noTurns;
  const kept = shares.filter((share) => share.waiting.length > 0 || share.round > round);
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
  /** Gives the turn of a build up, so that those behind it move up. */
  drop(build: string): Promise<void>;
  /** Of all builds in line. */
  priorities(): Promise<Map<string, number>>;
}
