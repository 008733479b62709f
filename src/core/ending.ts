/** How an instance ended, read from what Marathon says of it: the engine's words, those of Mesos and of Docker. */

export interface Ending {
  /** Such as `exited with status 3`. */
  sentence: string;
  code?: number;
  /** Such as SIGKILL. */
  signal?: string;
  outOfMemory: boolean;
}

/** A message of Docker can be a page long. */
const longest = 400;

/** `state` is Marathon's word, such as TASK_FAILED; it speaks where the message is empty. */
export function endingOf({ message, state }: { message: string; state?: string }): Ending {
  const text = message.replaceAll(/\s+/g, ' ').trim();
  const facts = factsOf(text);
  const sentence = troubleBefore(text) ?? endIn(text, facts) ?? plainly(text, state);
  return { sentence: sentence.slice(0, longest).trim(), ...facts };
}

/** The sentence for an exit that Docker told of. */
export function sentenceOfExit({ code, outOfMemory }: { code?: number; outOfMemory: boolean }) {
  const signal = code === undefined ? undefined : signalOf(code);
  return endIn('', {
    outOfMemory,
    ...(code === undefined ? {} : { code }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Linux has so many signals (signal(7)); a greater code is one that a program chose, such as 255. */
const lastSignal = 64;

/** The name of the signal that ended a process with such a code: 128 and the signal's number. */
export function signalOf(code: number): string | undefined {
  return code > 128 && code <= 128 + lastSignal
    ? (signals[code - 128] ?? `signal ${code - 128}`)
    : undefined;
}

/** What a shell answers for a process that such a signal ended; undefined for a name that is none. */
export function codeOf(signal: string): number | undefined {
  const number = Object.keys(signals).find((each) => signals[Number(each)] === signal);
  return number === undefined ? undefined : 128 + Number(number);
}

function factsOf(text: string): Omit<Ending, 'sentence'> {
  const outOfMemory = /out of memory|memory limit exceeded|oom.?killed/i.test(text);
  // What a program that Mesos itself called ended with, or a check, is not the exit of the instance.
  const called = /failed to (?:run|launch)|health check failed/i.test(text);
  const status = called ? undefined : /exited with (?:status|code) (\d+)/i.exec(text)?.[1];
  const named = /terminated with signal ([A-Z][A-Za-z ]*\w)/.exec(text)?.[1];
  const code = status === undefined ? undefined : Number(status);
  const signal = named === undefined ? code && signalOf(code) : (namesOf[named] ?? named);
  return {
    ...(code === undefined ? {} : { code }),
    ...(signal ? { signal } : {}),
    outOfMemory,
  };
}

/** What kept it from running at all, or had it killed; undefined where it ran and ended. */
function troubleBefore(text: string): string | undefined {
  for (const { pattern, say } of troubles) {
    const found = pattern.exec(text);
    if (found) return say(found, text);
  }
  return undefined;
}

interface Trouble {
  pattern: RegExp;
  say: (found: RegExpExecArray, text: string) => string;
}

/** The most telling first. Docker's own words are in moby's errdefs and runc's libcontainer. */
const troubles: Trouble[] = [
  {
    pattern: /killed since health check failed\. Reason: (.*)/i,
    say: ([, why = '']) => `was killed since its check failed: ${why}`,
  },
  {
    pattern: /cannot pull image '([^']+)': (.*)/i,
    say: ([, image = '', why = '']) => `its image ${image} cannot be pulled: ${why}`,
  },
  {
    pattern: /docker[^']* pull ([^'\s]+)'.*?(?:stderr='(.*?)'?$|$)/i,
    say: ([, image = '', why = '']) =>
      `its image ${image} cannot be pulled${because(why.replace(/^Error response from daemon: /, ''))}`,
  },
  {
    pattern:
      /(manifest for \S+ not found|manifest unknown|pull access denied[^,;]*|no such image)/i,
    say: ([, why = '']) => `its image cannot be pulled: ${why}`,
  },
  {
    pattern: /container name "([^"]+)" is already in use/i,
    say: ([, name = '']) => `another container on the node has its name already: ${name}`,
  },
  {
    pattern: /exec:? "([^"]+)": (?:executable file not found|stat [^:]+: no such file)/i,
    say: ([, command = '']) => `its command ${command} was not found in the image`,
  },
  {
    pattern: /exec:? "?([^":]*)"?: permission denied/i,
    say: ([, command = '']) => `its command ${command} may not be executed`,
  },
  {
    pattern: /exec format error/i,
    say: () => 'its program was made for another kind of processor than that of the node',
  },
  {
    pattern:
      /(?:bind for )?([\d.:[\]]+)?[^.]*?(?:port is already allocated|address already in use)/i,
    say: ([, address]) =>
      `a port that it needs is taken on the node${address ? `: ${address}` : ''}`,
  },
  {
    pattern: /no space left on device/i,
    say: () => 'the disk of its node is full',
  },
];

function because(why: string): string {
  return why === '' ? '' : `: ${why}`;
}

function endIn(text: string, { code, signal, outOfMemory }: Omit<Ending, 'sentence'>) {
  const limit = /requested: (\S+)/i.exec(text)?.[1];
  if (outOfMemory) return `ran out of memory and was killed${limit ? `, at ${limit}` : ''}`;
  const status = code === undefined ? undefined : `exited with status ${code}`;
  if (signal !== undefined) return `was ended by ${signal}${status ? ` (${status})` : ''}`;
  if (code === 0) return 'ended by itself, with status 0; a service has to go on';
  if (code === 126) return `its command may not be executed (${status})`;
  if (code === 127) return `its command was not found (${status})`;
  return status;
}

function plainly(text: string, state = ''): string {
  const said = text
    .replace(/^Failed to launch container: /, '')
    .replace(/^Error response from daemon: /, '');
  if (said !== '') return said;
  return words[state] ?? `ended as ${state === '' ? 'Marathon does not say' : state}`;
}

const words: Record<string, string> = {
  TASK_FAILED: 'failed without a word',
  TASK_FINISHED: 'ended by itself; a service has to go on',
  TASK_KILLED: 'was killed',
  TASK_LOST: 'was lost with its node',
  TASK_GONE: 'is gone with its node',
  TASK_GONE_BY_OPERATOR: 'is gone with its node',
  TASK_DROPPED: 'was not started by its node',
  TASK_UNREACHABLE: 'its node does not answer',
};

const signals: Record<number, string> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
};

/** As strsignal(3) names them, which Mesos repeats. */
const namesOf: Record<string, string> = {
  Hangup: 'SIGHUP',
  Interrupt: 'SIGINT',
  Quit: 'SIGQUIT',
  'Illegal instruction': 'SIGILL',
  Aborted: 'SIGABRT',
  'Bus error': 'SIGBUS',
  'Floating point exception': 'SIGFPE',
  Killed: 'SIGKILL',
  'Segmentation fault': 'SIGSEGV',
  'Broken pipe': 'SIGPIPE',
  Terminated: 'SIGTERM',
};
