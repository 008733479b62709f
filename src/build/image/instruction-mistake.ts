/** Finds the instruction behind what Docker says of a Dockerfile without telling where. */
import { type Instruction, instructionText, parseDockerfile } from '../dockerfile/index.ts';
import { type Situation, StepError } from './step-error.ts';

interface Mistake {
  /** Captures what the message repeats of the instruction. */
  words: RegExp;
  /** By default any. */
  keywords?: string[];
  /** By default an instruction is meant that holds what was captured. */
  isMeant?: (text: string, captured: string) => boolean;
}

/** What moby's frontend says of instructions that it has parsed already, and so without their lines. */
const mistakes: Mistake[] = [
  {
    words: /^invalid (?:range format for )?(?:container ?port|host ?port|proto): (.*)/is,
    keywords: ['EXPOSE'],
  },
  { words: /^invalid signal: (.*)/is, keywords: ['STOPSIGNAL'] },
  {
    words: /^(ENV|LABEL) must have two arguments/,
    keywords: ['ENV', 'LABEL'],
    isMeant: (text, keyword) => new RegExp(`^${keyword}\\s+[^\\s=]+$`, 'i').test(text),
  },
  { words: /^Syntax error - can't find = in (".*")\. Must be/s, keywords: ['ENV', 'LABEL'] },
  {
    words: /^invalid stage index (\d+)/,
    keywords: ['COPY', 'ADD', 'RUN'],
    isMeant: (text, index) => text.includes(`from=${index}`),
  },
  { words: /^failed to parse stage name (".*?"): /s, keywords: ['FROM', 'COPY', 'ADD', 'RUN'] },
  { words: /^failed to process (".*"): /s },
];

/** Undefined where the message is about something else. */
export function instructionMistake(
  message: string,
  { line, dockerfile }: Situation,
): StepError | undefined {
  for (const mistake of mistakes) {
    const captured = mistake.words.exec(message)?.[1];
    if (captured === undefined) continue;
    const found = line ?? findLine(dockerfile.bytes, mistake, unquoted(captured));
    return new StepError(message, { code: 'E_DOCKERFILE', line: found });
  }
  return undefined;
}

/** The first that is meant, else the only one that may be meant with its args. */
function findLine(bytes: Buffer, { keywords, isMeant }: Mistake, captured: string) {
  const parsed = parseDockerfile(bytes);
  const textOf = (one: Instruction) => instructionText(parsed, one);
  const likely = parsed.instructions.filter(
    ({ keyword }) => keywords === undefined || keywords.includes(keyword),
  );
  const isIt = isMeant ?? ((text, part) => text.includes(part));
  const meant = likely.find((one) => isIt(textOf(one), captured));
  const [only, ...others] = likely.filter((one) => textOf(one).includes('$'));
  return (meant ?? (others.length === 0 ? only : undefined))?.startLine;
}

/** As Go quotes texts, which for what a Dockerfile holds is mostly as JSON does. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}
