/** Finds the instruction that a step of a builder is, and where people wrote it. */
import type { ExpandedDockerfile } from '../../core/build.ts';
import {
  type Instruction,
  originOf,
  renderOrigin,
  splitInstructions,
} from '../dockerfile/index.ts';

/** What BuildKit calls a step: `[build 2/5] RUN …`. */
export interface VertexName {
  /** Name of the stage, `stage-1` for the second one where it has none, `` for the only one. */
  stage: string;
  index: number;
  total: number;
  /** The instruction as BuildKit read it, with args in place. */
  title: string;
}

/** Behind the name of the stage stands, in newer versions, the platform in front of it. */
const numbered = /^\[(?:([^\]]*\S) +)? *(\d+)\/(\d+)\] (.*)$/s;

/** The parts of such a name; undefined for what is no step of the Dockerfile, such as `[internal] …`. */
export function parseVertexName(name: string): VertexName | undefined {
  const [, before = '', index, total, title = ''] = numbered.exec(name) ?? [];
  if (index === undefined) return undefined;
  const stage = before.split(' ').at(-1) ?? '';
  return { stage, index: Number(index), total: Number(total), title };
}

export interface StepPlaces {
  /** First line of the `step`th instruction (from 1) of the expanded file. */
  lineOfStep(step: number): number | undefined;
  /** First line of a vertex; `last` is the highest index that is known of its stage. */
  lineOfVertex(vertex: VertexName, last: number): number | undefined;
  /** First line of the FROM or --from that names an image, as far as one can tell: args may stand for it. */
  lineOfImage(image: string): number | undefined;
  /** First line of the ADD that names a URL, or of the only one that may with its args. */
  lineOfUrl(url: string): number | undefined;
  /** Where people wrote a line of the expanded file, such as `Dockerfile:3 → template:tomcat@9.1.0:7`. */
  originOf(line: number | undefined): string | undefined;
}

export function createStepPlaces({ bytes, map }: ExpandedDockerfile): StepPlaces {
  const instructions = splitInstructions(bytes);
  const stages = stagesOf(instructions, bytes);

  return {
    lineOfStep: (step) => instructions[step - 1]?.startLine,
    lineOfVertex({ stage, index, total }, last) {
      const found = stages.find(({ names }) => names.has(stage.toLowerCase()));
      if (!found) return undefined;
      // FROM is counted where it brings an image: scratch and stages of the file bring none.
      const first = total - found.counted.length;
      // Instructions of the base's ONBUILD come behind FROM, and are not in the total.
      const triggers = Math.max(0, last - total);
      if (index <= first + triggers) return found.from.startLine;
      return found.counted[index - first - triggers - 1]?.startLine;
    },
    lineOfImage(image) {
      const name = image.replace(/:latest$/, '');
      const [only, ...others] = stages;
      const found = instructions.find((each) => namesImage(each, bytes, name));
      return (found ?? (others.length === 0 ? only?.from : undefined))?.startLine;
    },
    lineOfUrl(url) {
      const adds = instructions.filter(({ keyword }) => keyword === 'ADD');
      const found = adds.find((each) => textOf(each, bytes).includes(url));
      const [only, ...others] = adds.filter((each) => /:\/\/|\$/.test(textOf(each, bytes)));
      return (found ?? (others.length === 0 ? only : undefined))?.startLine;
    },
    originOf(line) {
      const origin = line === undefined ? undefined : originOf(map, line);
      return origin && renderOrigin(origin);
    },
  };
}

interface Stage {
  names: Set<string>;
  from: Instruction;
  /** Those that BuildKit gives a number (dispatch in frontend/dockerfile/dockerfile2llb). */
  counted: Instruction[];
}

const countedKeywords = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR']);
const alias = /\sAS\s+(\S+)\s*$/i;

function stagesOf(instructions: Instruction[], bytes: Buffer): Stage[] {
  const stages: Stage[] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === 'FROM') {
      const name = alias.exec(textOf(instruction, bytes))?.[1]?.toLowerCase();
      const names = new Set([name ?? `stage-${stages.length}`]);
      stages.push({ names, from: instruction, counted: [] });
    } else if (countedKeywords.has(instruction.keyword)) stages.at(-1)?.counted.push(instruction);
  }
  // BuildKit leaves the name of the only stage out.
  if (stages.length === 1) stages[0]?.names.add('').add('stage-0');
  return stages;
}

/** True of FROM IMAGE, COPY --from=IMAGE and RUN --mount=from=IMAGE. */
function namesImage(instruction: Instruction, bytes: Buffer, name: string): boolean {
  const text = textOf(instruction, bytes);
  return (instruction.keyword === 'FROM' || /\bfrom=/.test(text)) && text.includes(name);
}

function textOf({ start, textEnd }: Instruction, bytes: Buffer): string {
  return bytes.toString('latin1', start, textEnd);
}
